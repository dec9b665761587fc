package proc

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
)

// Mapping is a file that a process has mapped executable.
type Mapping struct {
	Path    string
	Device  uint64 // as stat(2) has it
	Inode   uint64
	Deleted bool
	Range   string // its first mapping, by its name under /proc/PID/map_files
}

// MaxMappings bounds what is read of one process.
const MaxMappings = 20_000

// Mapped is what a process has mapped.
type Mapped struct {
	Files []Mapping // those mapped executable, each once, in the order of their addresses
	// Open counts the mappings, of files or not, that are writable and executable at once.
	Open int
	More bool // there were more than MaxMappings lines
}

// Mappings reads what a process has mapped.
func (f FS) Mappings(pid int) (Mapped, error) {
	file, err := os.Open(f.path(pid, "maps"))
	if err != nil {
		return Mapped{}, gone(err)
	}
	defer file.Close()
	m, err := parseMaps(file)
	return m, gone(err)
}

func parseMaps(r io.Reader) (all Mapped, err error) {
	seen := map[[2]uint64]bool{}
	lines := bufio.NewReader(r)
	for n := 0; ; n++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return all, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			all.More = errors.Is(err, bufio.ErrBufferFull)
			return all, err
		}
		if n == MaxMappings {
			all.More = true
			return all, nil
		}
		if open(line) {
			all.Open++
		}
		m, ok := parseMapping(line)
		if id := [2]uint64{m.Device, m.Inode}; ok && !seen[id] {
			seen[id] = true
			all.Files = append(all.Files, m)
		}
	}
}

// open tells of a line whether its memory is writable and executable at once.
func open(line []byte) bool {
	_, rest, _ := bytes.Cut(line, []byte(" "))
	return len(rest) >= 4 && rest[1] == 'w' && rest[2] == 'x' && (rest[3] == 'p' || rest[3] == 's')
}

// parseMapping parses "start-end perms offset major:minor inode   path". Only
// executable mappings of files are ok.
func parseMapping(line []byte) (Mapping, bool) {
	var fields [5][]byte
	rest := line
	for i := range fields {
		var found bool
		fields[i], rest, found = bytes.Cut(rest, []byte(" "))
		if !found {
			return Mapping{}, false
		}
	}
	path := strings.TrimSuffix(strings.TrimLeft(string(rest), " "), "\n")
	if perms := fields[1]; len(perms) < 3 || perms[2] != 'x' || !strings.HasPrefix(path, "/") {
		return Mapping{}, false
	}
	major, minor, _ := strings.Cut(string(fields[3]), ":")
	hi, err1 := strconv.ParseUint(major, 16, 32)
	lo, err2 := strconv.ParseUint(minor, 16, 32)
	inode, err3 := strconv.ParseUint(string(fields[4]), 10, 64)
	if errors.Join(err1, err2, err3) != nil || inode == 0 {
		return Mapping{}, false
	}
	// The kernel writes a newline in a name as \012.
	path = strings.ReplaceAll(path, `\012`, "\n")
	path, deleted := strings.CutSuffix(path, deletedSuffix)
	return Mapping{Path: path, Device: makeDevice(hi, lo), Inode: inode, Deleted: deleted, Range: rangeOf(string(fields[0]))}, true
}

// rangeOf is the name under map_files of a range in maps, whose addresses have leading
// zeros.
func rangeOf(addresses string) string {
	from, to, _ := strings.Cut(addresses, "-")
	return cmp.Or(strings.TrimLeft(from, "0"), "0") + "-" + cmp.Or(strings.TrimLeft(to, "0"), "0")
}

// makeDevice is makedev(3) of the GNU C library.
func makeDevice(major, minor uint64) uint64 {
	return major&0xfff<<8 | major&^0xfff<<32 | minor&0xff | minor&^0xff<<12
}
