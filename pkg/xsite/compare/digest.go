package compare

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// bucketCount is how many digests a pass keeps for each site.
const bucketCount = 1 << 16

// Each site's filter is 2 MiB; four bits a key. At a million keys one in 400 that was not there passes as if it had been.
const (
	filterBits = 1 << 24
	filterSpan = 3 // bytes of an id that address a bit
	filterKeys = 4
)

// seed is this comparison's own random key, so that nobody can prepare entries whose digests collide.
type seed [32]byte

func newSeed() seed {
	var s seed
	_, _ = rand.Read(s[:]) // never fails; it ends the program where there is no randomness
	return s
}

// id stands for a key, and is 128 bits of its keyed hash.
type id [16]byte

// mark stands for a key with its value, and is 128 bits of their keyed hash; zero where values are not compared.
type mark [16]byte

// fingerprint is what is made of one entry.
type fingerprint struct {
	bucket uint16
	id     id
	mark   mark
}

// element is what an entry adds to its bucket's digest.
func (p fingerprint) element() [16]byte {
	if p.mark != (mark{}) {
		return p.mark
	}
	return p.id
}

// fingerprinter hashes entries. It is for one goroutine.
type fingerprinter struct {
	buffer []byte // begins with the seed
}

func newFingerprinter(s seed) *fingerprinter {
	return &fingerprinter{buffer: append([]byte(nil), s[:]...)}
}

// of hashes a key, and its value unless that is nil.
func (f *fingerprinter) of(key, value []byte) fingerprint {
	var p fingerprint
	sum := f.keyed('k', key, nil)
	p.bucket = binary.BigEndian.Uint16(sum[:])
	copy(p.id[:], sum[2:])
	if value != nil {
		// The key's hash is in the value's, so that values cannot change places between keys unseen.
		sum = f.keyed('v', p.id[:], value)
		copy(p.mark[:], sum[:])
	}
	return p
}

// keyed hashes two parts, the first of fixed length where there is a second.
func (f *fingerprinter) keyed(kind byte, first, second []byte) [sha256.Size]byte {
	f.buffer = append(f.buffer[:len(seed{})], kind)
	f.buffer = append(f.buffer, first...)
	f.buffer = append(f.buffer, second...)
	return sha256.Sum256(f.buffer)
}

// bucket is the digest of the entries whose keys fall into it: their number, and the sum of their elements modulo 2^128.
// A sum does not depend on the order, and unlike an exclusive or it does not lose an entry that is listed twice.
type bucket struct {
	high, low uint64
	count     uint64
}

func (b *bucket) add(element [16]byte) {
	var carry uint64
	b.low, carry = bits.Add64(b.low, binary.BigEndian.Uint64(element[8:]), 0)
	b.high, _ = bits.Add64(b.high, binary.BigEndian.Uint64(element[:8]), carry)
	b.count++
}

// filter remembers roughly which keys were there in pass 1: it never forgets one, and seldom remembers too much.
type filter struct {
	words []uint64
}

func newFilter() *filter {
	return &filter{words: make([]uint64, filterBits/64)}
}

func (f *filter) add(key id) {
	for i := range filterKeys {
		n := key.bit(i)
		f.words[n/64] |= 1 << (n % 64)
	}
}

func (f *filter) has(key id) bool {
	for i := range filterKeys {
		n := key.bit(i)
		if f.words[n/64]&(1<<(n%64)) == 0 {
			return false
		}
	}
	return true
}

// bit is the place of the i-th bit of a key in the filter.
func (k id) bit(i int) uint32 {
	at := i * filterSpan
	return uint32(k[at])<<16 | uint32(k[at+1])<<8 | uint32(k[at+2])
}
