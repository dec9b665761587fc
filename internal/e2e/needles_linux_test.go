package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// needles are canaries, to be found in a haystack whole or in part, and in the
// forms that programs give to texts.
type needles struct {
	names   []string             // of the canaries: where they were planted
	windows map[[window]byte]int // every part of every form, to its canary
	first   [1 << 16]bool        // the first two bytes of the windows
}

// window is the length of the parts: long enough that no other text has one by
// accident (12 hexadecimal digits are 48 bits), short enough that half a canary
// is found.
const window = 12

const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"

// plant makes a canary of 20 letters and digits.
func (n *needles) plant(where string) string {
	random := make([]byte, 20)
	rand.Read(random)
	for i, b := range random {
		random[i] = letters[int(b)%len(letters)]
	}
	n.add(where, string(random))
	return string(random)
}

// plantHex makes a canary of 32 hexadecimal digits.
func (n *needles) plantHex(where string) string {
	random := make([]byte, 16)
	rand.Read(random)
	text := strings.ToUpper(hex.EncodeToString(random))
	n.add(where, text)
	return text
}

func (n *needles) add(where, canary string) {
	if n.windows == nil {
		n.windows = map[[window]byte]int{}
	}
	n.names = append(n.names, where)
	for _, form := range formsOf(canary) {
		for i := 0; i+window <= len(form); i++ {
			w := [window]byte([]byte(form[i : i+window]))
			n.windows[w] = len(n.names) - 1
			n.first[int(w[0])<<8|int(w[1])] = true
		}
	}
}

// formsOf is a canary as it is and as programs write texts.
func formsOf(canary string) []string {
	reversed := []byte(canary)
	slices.Reverse(reversed)
	swapped := []byte(canary)
	for i, c := range swapped {
		if c >= 'A' {
			swapped[i] = c ^ 0x20
		}
	}
	var url, utf16, list strings.Builder
	for _, c := range []byte(canary) {
		fmt.Fprintf(&url, "%%%02X", c)
		fmt.Fprintf(&utf16, "%c\x00", c)
		fmt.Fprintf(&list, "%d ", c)
	}
	forms := []string{
		canary, string(reversed), string(swapped), strings.ToLower(canary), strings.ToUpper(canary),
		hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary))),
		url.String(), strings.ToLower(url.String()), utf16.String(), list.String(),
	}
	for shift := range 3 { // where in a longer text it stands
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), canary...))
			forms = append(forms, text[(shift*8+5)/6:len(text)-2])
		}
	}
	return forms
}

// leak is a canary that was found.
type leak struct {
	planted string // where the canary was planted
	around  string // what stands around it
}

// search finds the first place of each canary in a text.
func (n *needles) search(text []byte) (found []leak) {
	seen := map[int]bool{}
	for i := 0; i+window <= len(text); i++ {
		if !n.first[int(text[i])<<8|int(text[i+1])] {
			continue
		}
		at, ok := n.windows[[window]byte(text[i:i+window])]
		if ok && !seen[at] {
			seen[at] = true
			around := bytes.ToValidUTF8(text[max(0, i-120):min(len(text), i+60)], []byte("?"))
			found = append(found, leak{n.names[at], string(around)})
		}
	}
	return found
}
