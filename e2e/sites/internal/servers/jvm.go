package servers

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// quickStart are the JVM options that make a small server start soon: one collector thread, and no
// second compiler (which halves the start). The archive, where there is one, takes another third off.
func quickStart() []string {
	return []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}
}

// serverArgs are the arguments of java for a server whose root is root. They carry no secret. With a
// recordTo the JVM writes an archive of its classes there when it ends.
func (a *Artifacts) serverArgs(root string, heapMB int, recordTo string) []string {
	args := append(quickStart(), "-Xms64m", fmt.Sprintf("-Xmx%dm", heapMB))
	switch {
	case recordTo != "":
		args = append(args, "-XX:ArchiveClassesAtExit="+recordTo)
	case a.HasArchive():
		args = append(args, "-XX:SharedArchiveFile="+a.archiveFile())
	}
	return append(args,
		"-Djava.net.preferIPv4Stack=true",
		"-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
		"-Dlog4j.configurationFile="+filepath.Join(root, "conf", "log4j2.xml"),
		"-Dinfinispan.server.home.path="+root,
		"-cp", a.ClassPath,
		"org.infinispan.server.Bootstrap", "-s", root, "-c", "infinispan.xml",
	)
}

// routerArgs are the arguments of java for a GossipRouter on a loopback port.
func (a *Artifacts) routerArgs(port int) []string {
	return append(quickStart(), "-Xms16m", "-Xmx64m",
		"-Djava.net.preferIPv4Stack=true",
		"-cp", a.ClassPath,
		"org.jgroups.stack.GossipRouter", "-bind_addr", "127.0.0.1", "-port", strconv.Itoa(port),
	)
}
