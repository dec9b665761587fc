package rpmtest

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/internal/testenv"

	_ "modernc.org/sqlite" // writes what rpm of this machine can't
)

// OpenSQLite opens an rpmdb.sqlite for changes that rpm itself would not make.
func OpenSQLite(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// Blobs returns the headers in the rpmdb.sqlite of a folder, by their number.
func Blobs(t testing.TB, dbpath string) map[uint32][]byte {
	t.Helper()
	db := OpenSQLite(t, filepath.Join(dbpath, "rpmdb.sqlite"))
	defer db.Close()
	rows, err := db.Query("SELECT hnum, blob FROM Packages")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	blobs := map[uint32][]byte{}
	for rows.Next() {
		var number uint32
		var blob []byte
		if err := rows.Scan(&number, &blob); err != nil {
			t.Fatal(err)
		}
		blobs[number] = blob
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return blobs
}

// WriteBDB writes headers into a Berkeley DB hash as rpm did, with db5.3_load. The
// numbers of the pages are in the byte order of a machine with order 1234 (little)
// or 4321 (big).
func WriteBDB(t testing.TB, dbpath string, blobs map[uint32][]byte, pageSize, order int) {
	t.Helper()
	load := testenv.Need(t, "db5.3_load", "db5.3-util")
	var in bytes.Buffer
	fmt.Fprintf(&in, "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=%d\ndb_lorder=%d\nHEADER=END\n", pageSize, order)
	var key [4]byte
	number := binary.ByteOrder(binary.LittleEndian)
	if order == 4321 {
		number = binary.BigEndian
	}
	put := func(n uint32, value []byte) {
		number.PutUint32(key[:], n)
		fmt.Fprintf(&in, " %x\n %x\n", key, value)
	}
	put(0, []byte{0, 0, 0, 1}) // rpm's counter
	for n, blob := range blobs {
		put(n, blob)
	}
	in.WriteString("DATA=END\n")
	cmd := exec.Command(load, filepath.Join(dbpath, "Packages"))
	cmd.Stdin = &in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("db5.3_load: %v\n%s", err, out)
	}
}

// WriteNDB writes headers into a Packages.db. Debian's rpm has no ndb, so this is
// our own; testdata of package ndb has a file that rpm's own code has written.
func WriteNDB(t testing.TB, dbpath string, blobs map[uint32][]byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dbpath, "Packages.db"), NDB(blobs), 0o600); err != nil {
		t.Fatal(err)
	}
}

// NDB returns the bytes of a Packages.db with these headers.
func NDB(blobs map[uint32][]byte) []byte {
	const page, block = 4096, 16
	pages := (len(blobs)+2)*block/page + 1
	out := make([]byte, pages*page)
	le := binary.LittleEndian
	copy(out, "RpmP")
	le.PutUint32(out[8:], 7)
	le.PutUint32(out[12:], uint32(pages))
	for at := 2 * block; at < len(out); at += block {
		copy(out[at:], "Slot")
	}
	at := 2 * block
	for number, blob := range blobs {
		entry := le.AppendUint32([]byte("BlbS"), number)
		entry = le.AppendUint32(entry, 1)
		entry = le.AppendUint32(entry, uint32(len(blob)))
		entry = append(entry, blob...)
		for (len(entry)+12)%block != 0 {
			entry = append(entry, 0)
		}
		entry = le.AppendUint32(entry, adler32.Checksum(entry))
		entry = le.AppendUint32(entry, uint32(len(blob)))
		entry = append(entry, "BlbE"...)
		le.PutUint32(out[at+4:], number)
		le.PutUint32(out[at+8:], uint32(len(out)/block))
		le.PutUint32(out[at+12:], uint32(len(entry)/block))
		out = append(out, entry...)
		at += block
	}
	return out
}
