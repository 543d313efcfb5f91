// Package proc starts, watches and ends the processes the harness is made of: etcd, apiservers,
// controller managers, Infinispan's JVMs and the routers between them.
//
// Nothing may be left behind, whatever becomes of the harness. Each process therefore leads a process
// group of its own (so that what it started ends with it), is killed by the kernel when the harness
// dies (Pdeathsig, Linux), and is named by a pid file that carries the process's start time, so that
// a later [Clean] ends what is still that process and never a stranger that got its number.
package proc
