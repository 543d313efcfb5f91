package infinispan

// Answers of real servers, as they came (node and site names are those of the test sites).
const (
	info15 = `{"version":"15.0.21.Final","name":"default","coordinator":true,"cluster_name":"site-a","physical_addresses":"[127.0.0.1:21010]","coordinator_address":"site-a-0","cache_manager_status":"RUNNING","created_cache_count":2,"running_cache_count":2,"node_address":"site-a-0","cluster_members":["site-a-0"],"cluster_members_physical_addresses":["127.0.0.1:21010"],"cluster_size":1,"defined_caches":[{"name":"respCache","started":true}],"local_site":"site-a","relay_node":true,"relay_nodes_address":["site-a-0"],"sites_view":["site-a","site-b"],"rebalancing_enabled":true}`
	info14 = `{"version":"14.0.28.Final","name":"default","coordinator":true,"cluster_name":"site-a","physical_addresses":"[127.0.0.1:22010]","coordinator_address":"site-a-0","cache_manager_status":"RUNNING","node_address":"site-a-0","cluster_members":["site-a-0"],"cluster_size":1,"local_site":"site-a","relay_node":true,"relay_nodes_address":["site-a-0"],"sites_view":["site-a","site-b"],"rebalancing_enabled":true}`

	health16 = `{"cluster_health":{"cluster_name":"site-a","health_status":"HEALTHY","number_of_nodes":1,"node_names":["site-a-0"]},"cache_health":[{"status":"HEALTHY","cache_name":"___protobuf_metadata"},{"status":"HEALTHY","cache_name":"___script_cache"},{"status":"FAILED","cache_name":"respCache"}]}`

	// The same on 14.0.28, 15.0.21 and 16.0.7.
	configSessions = `{"sessions":{"distributed-cache":{"owners":"2","mode":"SYNC","statistics":true,"backups":{"site-b":{"backup":{"strategy":"SYNC","timeout":"4500","failure-policy":"FAIL","state-transfer":{"chunk-size":"16"}}}},"encoding":{"media-type":"application/x-protostream"},"locking":{"acquire-timeout":"4000"},"transaction":{"mode":"NON_DURABLE_XA","locking":"PESSIMISTIC"}}}}`
	configRepl     = `{"repl":{"replicated-cache":{"mode":"SYNC","backups":{"merge-policy":"ALWAYS_REMOVE","site-b":{"backup":{}}},"encoding":{"key":{"media-type":"text/plain"},"value":{"media-type":"application/json"}},"backup-for":{"remote-cache":"other","remote-site":"site-b"},"memory":{"max-size":"10MB","when-full":"REMOVE"}}}}`
	configLocal    = `{"loc":{"local-cache":{"statistics":true,"memory":{"max-count":"100"},"persistence":{"passivation":false,"file-store":{"shared":false}}}}}`

	configMetadata15 = `{"___protobuf_metadata":{"replicated-cache":{"mode":"SYNC","statistics":false,"encoding":{"key":{"media-type":"application/x-java-object"},"value":{"media-type":"application/x-java-object"}},"locking":{"isolation":"READ_COMMITTED","striping":false},"transaction":{"mode":"BATCH","locking":"PESSIMISTIC"},"persistence":{"availability-interval":"-1","single-file-store":{"purge":false,"preload":true,"segmented":false,"path":"/data"}},"security":{"authorization":{"enabled":true,"roles":["observer","admin"]}},"state-transfer":{"enabled":true,"await-initial-transfer":false}}}}`
	configMetadata16 = `{"___protobuf_metadata":{"replicated-cache":{"mode":"SYNC","statistics":false,"encoding":{"key":{"media-type":"application/x-java-object"},"value":{"media-type":"application/x-java-object"}},"locking":{"isolation":"READ_COMMITTED","striping":false},"transaction":{"mode":"BATCH","locking":"PESSIMISTIC","transaction-manager-lookup":"org.infinispan.transaction.lookup.EmbeddedTransactionManagerLookup"},"persistence":{"availability-interval":"-1","store":{"class":"org.infinispan.persistence.file.SingleFileStore","purge":false,"preload":true}},"security":{"authorization":{"enabled":true,"roles":["observer","admin"]}},"state-transfer":{"enabled":true,"await-initial-transfer":false}}}}`

	stats15 = `{"time_since_start":1,"time_since_reset":1,"approximate_entries":2,"approximate_entries_in_memory":2,"approximate_entries_unique":2,"current_number_of_entries":-1,"current_number_of_entries_in_memory":-1,"off_heap_memory_used":0,"data_memory_used":-1,"stores":2,"retrievals":6,"hits":3,"misses":3,"remove_hits":0,"remove_misses":0,"evictions":0,"average_read_time":0,"required_minimum_number_of_nodes":1}`

	connections15 = `[{"id":65,"server-node-name":"site-a-0","name":null,"created":"2026-11-23T15:28:19.478734562Z","principal":"admin","local-address":"/127.0.0.1:21000","remote-address":"/127.0.0.1:44218","protocol-version":"HTTP/1.1","client-library":"curl/7.88.1","client-version":null}]`

	noSuchCache = `ISPN012010: Cache with name 'nope' not found amongst the configured caches`
	nullConfig  = `Cannot invoke "org.infinispan.configuration.cache.Configuration.clustering()" because "config" is null`
)
