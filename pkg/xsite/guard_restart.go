package xsite

// guardRestart: Keycloak of the secondary is started only on contents that were proved. After a failed clear or push it
// stays down, because it would serve a part of the sessions as if it were all.
func (r *run) guardRestart() error {
	if r.reached == verified {
		return nil
	}
	return &Stop{
		Guard: GuardRestart, Found: "the contents of the secondary are not proved", Where: r.secondary.String(),
		Because: "Keycloak would serve partial sessions: users logged out at the primary could be logged in here",
		Next:    "run the same command again",
	}
}
