// Check a log with Go's own checksum-database packages: a file of JSON, see `tree` in ../test_trees.py.
package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"foreign/note"
	"foreign/tlog"
)

type asked struct {
	Vkey        string
	Notes       []string
	Entries     []string
	Roots       []string
	Inclusion   [][]string
	Consistency [][]string
}

func fail(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(1)
}

func must[T any](value T, err error) T {
	if err != nil {
		fail(err)
	}
	return value
}

func hash(text string) (found tlog.Hash) {
	copy(found[:], must(hex.DecodeString(text)))
	return
}

func hashes(texts []string) (found []tlog.Hash) {
	for _, text := range texts {
		found = append(found, hash(text))
	}
	return
}

func main() {
	var given asked
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &given); err != nil {
		fail(err)
	}
	size := int64(len(given.Entries))
	var stored, leaves []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return
	})
	roots := map[int64]tlog.Hash{}
	for n, text := range given.Entries {
		data := must(hex.DecodeString(text))
		leaves = append(leaves, tlog.RecordHash(data))
		stored = append(stored, must(tlog.StoredHashes(int64(n), data, reader))...)
		roots[int64(n)+1] = must(tlog.TreeHash(int64(n)+1, reader))
	}

	verifier := must(note.NewVerifier(given.Vkey))
	for n, text := range given.Notes {
		opened := must(note.Open([]byte(text), note.VerifierList(verifier)))
		lines := strings.Split(opened.Text, "\n")
		count := must(strconv.ParseInt(lines[1], 10, 64))
		if lines[0] != verifier.Name() || count != int64(n)+1 || len(lines) != 4 {
			fail("note", n, "is of another log or size")
		}
		if root := roots[count]; lines[2] != base64.StdEncoding.EncodeToString(root[:]) {
			fail("note", n, "has another root")
		}
	}
	for n, path := range given.Inclusion {
		if err := tlog.CheckRecord(hashes(path), size, roots[size], int64(n), leaves[n]); err != nil {
			fail("entry", n, err)
		}
	}
	for n, path := range given.Consistency {
		old := int64(n) + 1
		if err := tlog.CheckTree(hashes(path), size, roots[size], old, hash(given.Roots[old])); err != nil {
			fail("the first", old, "entries", err)
		}
	}
	fmt.Println(len(given.Notes), "notes and", size, "entries verified")
}
