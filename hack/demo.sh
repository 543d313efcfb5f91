#!/usr/bin/env bash
# Shows a recovery from nothing: builds, brings two real sites up, plays an outage, runs the plugin through kubectl.
#   hack/demo.sh [--typed]    --typed leaves the confirmation to you; otherwise --confirm gives it
set -euo pipefail
cd "$(dirname "$0")/.."

readonly pair=demo primary=site-a secondary=site-b entries=1000
typed=
case "${1-}" in
  '') ;;
  --typed) typed=yes ;;
  *)
    echo "usage: hack/demo.sh [--typed]" >&2
    exit 2
    ;;
esac
if [ -n "$typed" ] && ! [ -t 0 ]; then
  echo "--typed asks a question, so it needs a terminal" >&2
  exit 2
fi

bold='' dim='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ] && [ "${TERM-dumb}" != dumb ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
fi

part=0
# chapter begins a part of the demo: its title, and the time since the start.
chapter() {
  part=$((part + 1))
  printf '\n%s== %d. %s%s %s(%d s)%s\n' "$bold" "$part" "$1" "$plain" "$dim" "$SECONDS" "$plain"
}
tell() { printf '%s\n' "$@"; }
# run shows a command as a person would type it, and does it.
run() {
  printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}
# sites is the command of the real sites, on the demo's own pair.
sites() { command sites --name "$pair" "$@"; }
# act shows and does one thing to the sites.
act() {
  printf '\n%s$ sites --name %s %s%s\n' "$bold" "$pair" "$*" "$plain"
  sites "$@"
}

up=
ended() {
  local code=$?
  trap - EXIT
  if [ "$code" -ne 0 ]; then
    {
      printf '\n%sThe demo did not get to its end (exit code %d).%s\n' "$red" "$code" "$plain"
      if [ -n "$up" ]; then
        tell "The sites are still up, so that you can look:  sites --name $pair status" \
          "What the servers said lies below:              $(dirname "$(dirname "$KUBECONFIG")")" \
          "Take them down with:                           make demo-down"
      fi
    } >&2
  fi
  exit "$code"
}
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tell "This plays an outage between two Keycloak sites, and its repair, on this machine. Real are: two Kubernetes" \
  "control planes, two clusters of Infinispan servers that back up to each other, and kubectl. Played are the" \
  "nodes, the operators and Keycloak itself. It needs Go, a JDK 17 and Maven, and about 2 GB of memory."
hack/require.sh go java mvn

chapter "Build the plugin and the command that runs the sites"
tell "With an empty cache this takes a minute or two, and bringing the sites up for the first time several more:" \
  "etcd, kube-apiserver and Infinispan are fetched and built once, then kept."
run make --no-print-directory build
run go build -o .cache/bin/sites ./e2e/sites/cmd/sites
export PATH="$PWD/.cache/bin:$PWD/bin:$PATH"

chapter "Bring two sites up"
if sites status >/dev/null 2>&1; then
  tell "The sites of an earlier demo are still up; they make room."
fi
sites down >/dev/null
tell "$primary and $secondary: two Infinispan servers each, Keycloak's eight caches, Keycloak at 2 instances."
printf '\n%s$ sites --name %s up%s\n' "$bold" "$pair" "$plain"
sites up >/dev/null
up=yes
KUBECONFIG=$(sites kubeconfig)
export KUBECONFIG
if ! command -v kubectl >/dev/null; then
  tell "No kubectl is installed; the one that was built along with the control planes is used."
  ln -sf "$(sites kubectl)" .cache/bin/kubectl
fi
run kubectl --context "$primary" get infinispan,keycloak,pods

chapter "Users log in"
tell "While the link lives every write goes to both sites. $entries entries are put into each cache of both:"
act fill --count "$entries"

chapter "The link between the sites is lost"
act cut --wait
tell "" "Writes at $primary now fail, since they wait for $secondary. Its operators do what one does in an outage:" \
  "they take $secondary offline there."
act offline "$primary"

chapter "Life goes on at $primary, and $secondary hears nothing of it"
tell "New logins, changed sessions, and logouts:"
act fill sessions clientSessions --site "$primary" --first "$entries" --count 300
act fill sessions authenticationSessions --site "$primary" --count 100 --size 300
act remove sessions clientSessions --site "$primary" --first 500 --count 200

chapter "The link is back, and the sites have drifted apart"
act heal --wait
tell "" "Nothing mends this by itself. Whoever logged out at $primary is still logged in at $secondary." \
  "A witness that shares no code with the plugin compares keys and values:"
differ=0
act compare || differ=$?
if [ "$differ" -ne 1 ]; then
  tell "the sites were to differ here (exit code 1 of sites compare), but it ended with $differ" >&2
  exit 1
fi

chapter "Recover $secondary with one command"
tell "It checks both sites, shows what will be kept and what discarded, and then does Keycloak's whole procedure."
if [ -n "$typed" ]; then
  tell "It will ask you for the name of the site whose data is discarded: $secondary."
  run kubectl ispn-resync --primary-context "$primary" --secondary-context "$secondary"
else
  tell "--confirm $secondary says what you would be asked for: the name of the site whose data is discarded."
  run kubectl ispn-resync --primary-context "$primary" --secondary-context "$secondary" --confirm "$secondary"
fi

chapter "Both sites hold the same"
tell "The same witness again:"
act compare
run kubectl --context "$secondary" get keycloak,pods

printf '\n%sDone after %d s.%s The sites stay up for you to try. In your shell:\n' "$bold" "$SECONDS" "$plain"
cat <<END

  export PATH="$PWD/.cache/bin:$PWD/bin:\$PATH"
  export KUBECONFIG="$KUBECONFIG"

  # every check, and the plan; then the same with the roles swapped
  kubectl ispn-resync --primary-context $primary --secondary-context $secondary --dry-run
  kubectl ispn-resync --primary-context $secondary --secondary-context $primary --dry-run

  # make $secondary stale again; what is written while the sites are linked would reach both
  sites --name $pair cut --wait
  sites --name $pair offline $primary
  sites --name $pair fill sessions --site $primary --prefix missed- --count 50
  sites --name $pair remove sessions --site $primary --count 50
  sites --name $pair heal --wait
  kubectl ispn-resync diff --primary-context $primary --secondary-context $secondary

  # break something else, and see what the plugin makes of it
  sites --name $pair kill $secondary infinispan-1
  sites --name $pair freeze $primary                # thaw ends it
  sites --name $pair status
  sites --name $pair --help

Take them down with: make demo-down
END
