// Package contract is what a pair of real sites was asked and answered, and the judgement of who claims to be like it.
//
// [Script] asks a pair of sites everything that the client of this project can ask, in the states that matter. The same
// script runs against real servers, whose answers are committed per version, and against the simulator, whose answers are
// compared with those: status, content type, the shape of JSON, the words in it, and the text of refusals.
package contract
