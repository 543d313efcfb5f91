package contract

// Omissions lists what a record does not show, each with the reason.
func Omissions() []Omission {
	return []Omission{
		{"403 for want of a right", "the sites' servers have no authorization, and to set it up means servers of another configuration"},
		{"two flags that change at the same time (V66)", "it locks the servers up for good, with chance"},
	}
}
