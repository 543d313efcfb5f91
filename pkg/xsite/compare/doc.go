// Package compare says whether two sites hold the same contents of a cache.
//
// Pass 1 streams both sites into 65,536 bucket digests each, which takes the same memory for any number of entries. Only
// where digests differ does pass 2 collect the hashes of the keys in those buckets, and pass 3 looks at those that
// differed once more, to leave out what came or went meanwhile. There is never a fourth pass.
//
// Keys and values are personal data: they are hashed as they pass, with a key of this run's own, and never stored. Only
// where the caller asks to be shown some are the keys of differing entries kept.
package compare
