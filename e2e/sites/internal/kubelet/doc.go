// Package kubelet plays the node of a site: it runs what the site's pods stand for through a
// [Runtime], reports it as pod status as a kubelet does, and serves the streams that an apiserver
// proxies to it: exec, port-forward and logs.
//
// What it keeps of a real kubelet: a pod is Ready only when its workload answers; a workload that dies
// is restarted in the same pod with a higher restart count; a deleted pod's object goes away only
// after its workload has ended; a stream belongs to the workload it was opened to and ends with it,
// so that nobody who spoke to a pod finds himself speaking to its successor (V55).
//
// What it leaves out: init containers, several containers in a pod, volumes, attach, terminals, and
// probes as the pod's spec describes them (the workload says by itself whether it is ready).
package kubelet
