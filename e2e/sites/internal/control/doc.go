// Package control lets the command "sites" tell a running pair of sites what to do: requests go as
// JSON over HTTP on a unix socket in the pair's folder, which only the user can reach.
package control
