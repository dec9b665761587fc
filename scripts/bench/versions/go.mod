module assay/scripts/bench/versions

go 1.26.0

require (
	assay v0.0.0
	github.com/Masterminds/semver/v3 v3.5.0
	github.com/knqyf263/go-deb-version v0.0.0-20241115132648-6f4aee6ccd23
	github.com/knqyf263/go-rpm-version v0.0.0-20260811110310-1815e1f1b790
)

replace assay => ../../..
