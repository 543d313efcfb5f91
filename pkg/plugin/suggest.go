package plugin

import "slices"

// nearest gives the candidate that a mistyped word most likely meant, and false when none is near enough.
func nearest(word string, candidates []string) (string, bool) {
	best, bestDistance := "", 1+max(2, len(word)/3)
	for _, candidate := range candidates {
		if d := distance(word, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best, best != ""
}

// distance is the number of single-character insertions, removals and replacements between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			replace := previous[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(previous[j+1]+1, row[j]+1, replace)
		}
	}
	return row[len(b)]
}
