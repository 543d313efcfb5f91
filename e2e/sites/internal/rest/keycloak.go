package rest

import (
	"encoding/json"
	"fmt"
)

// Strategy is how a cache backs up to the other site.
type Strategy string

// The backup strategies.
const (
	Sync  Strategy = "SYNC"
	Async Strategy = "ASYNC"
)

// VolatileCaches are the caches Keycloak keeps in Infinispan when sessions live only there: releases 24
// and 25, and 26 with persistent user sessions off.
func VolatileCaches() []string {
	return []string{
		"actionTokens", "authenticationSessions", "clientSessions", "loginFailures",
		"offlineClientSessions", "offlineSessions", "sessions", "work",
	}
}

// PersistentCaches are those of Keycloak 26, whose sessions are in the database.
func PersistentCaches() []string {
	return []string{"actionTokens", "authenticationSessions", "loginFailures", "work"}
}

// KeycloakCache is the configuration (JSON) of a cache as Keycloak's guide makes it, with a backup to the
// site peer. It must be made on both sites before anything is written (V47). An ASYNC backup has the
// failure policy WARN, since the server refuses FAIL for it (ISPN000656).
func KeycloakCache(peer string, strategy Strategy) ([]byte, error) {
	policy := "FAIL"
	if strategy == Async {
		policy = "WARN"
	}
	type object = map[string]any
	configuration, err := json.Marshal(object{"distributed-cache": object{
		"mode":           "SYNC",
		"owners":         2,
		"statistics":     true,
		"remote-timeout": 5000,
		"encoding":       object{"media-type": "application/x-protostream"},
		"locking":        object{"acquire-timeout": 4000},
		"transaction":    object{"mode": "NON_DURABLE_XA", "locking": "PESSIMISTIC"},
		"state-transfer": object{"chunk-size": 16},
		"backups": object{peer: object{"backup": object{
			"strategy":       strategy,
			"timeout":        4500,
			"failure-policy": policy,
			"state-transfer": object{"chunk-size": 16},
		}}},
	}})
	if err != nil {
		return nil, fmt.Errorf("write the configuration of a cache: %w", err)
	}
	return configuration, nil
}
