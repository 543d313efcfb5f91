package kube

import "testing"

// FuzzUsers must not panic on any Secret, and gives no user without a name.
func FuzzUsers(f *testing.F) {
	f.Add([]byte("credentials:\n- username: developer\n  password: secret\n  roles:\n  - admin\n"))
	f.Add([]byte("user create admin -p changeme -g admin\n"))
	f.Add([]byte("credentials: 7"))
	f.Fuzz(func(t *testing.T, text []byte) {
		users, err := usersInIdentities(text)
		if err == nil {
			for _, u := range users {
				if u.name == "" {
					t.Errorf("a user without a name in %q", text)
				}
			}
		}
		_ = usersInBatch(string(text))
	})
}
