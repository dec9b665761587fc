#!/bin/sh
# Runs a command with a throw-away PostgreSQL server and its address in
# ASSAY_TEST_POSTGRES:
#
#     scripts/with-postgres.sh go test ./internal/store/...
#
# The server comes from Debian's package (installed if missing, by root), listens
# on loopback only, on a free port, keeps its data in a temporary folder, and is
# stopped when the command ends. It does not sync its files, for tests; it does, as a
# server in use, where POSTGRES_SYNC is set.
set -eu

[ $# -gt 0 ] || { echo "usage: $0 command [argument...]" >&2; exit 2; }

# newest prints the folder of the newest server's programs.
newest() {
	find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname
}

bin=$(newest)
if [ -z "$bin" ] && [ "$(id -u)" = 0 ]; then
	{ apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends postgresql; } >&2
	bin=$(newest)
fi
[ -n "$bin" ] || { echo "$0: PostgreSQL is missing: apt-get install postgresql" >&2; exit 1; }

# The server refuses to run as root.
as_server() {
	if [ "$(id -u)" = 0 ]; then
		runuser -u postgres -- "$@"
	else
		"$@"
	fi
}

data=$(mktemp -d)
stop() {
	as_server "$bin/pg_ctl" -D "$data/db" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$data"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$(id -u)" != 0 ] || chown postgres "$data"
# Programs may not read the caller's folder; the server needs one that it may.
caller=$PWD
cd "$data"

as_server "$bin/initdb" -D "$data/db" -U postgres -A trust --encoding=UTF8 --locale=C.UTF-8 >"$data/log" 2>&1 || { cat "$data/log" >&2; exit 1; }

careless="-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
[ -z "${POSTGRES_SYNC:-}" ] || careless=

# A port that is free now may be taken a moment later: try a few.
port=
for try in 1 2 3 4 5; do
	candidate=$(( 20000 + ( $(od -An -N2 -tu2 /dev/urandom) % 40000 ) ))
	if as_server "$bin/pg_ctl" -D "$data/db" -w -l "$data/db/server.log" -o "-p $candidate -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		$careless -c max_connections=300" start >"$data/log" 2>&1; then
		port=$candidate
		break
	fi
	echo "$0: PostgreSQL did not start on port $candidate (attempt $try)" >&2
done
[ -n "$port" ] || { cat "$data/log" "$data/db/server.log" >&2; exit 1; }

cd "$caller"
ASSAY_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres?sslmode=disable" "$@"
