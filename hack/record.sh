#!/usr/bin/env bash
# Records docs/session.svg and docs/session.txt: a recovery on two real sites, typed into a real terminal. Needs tmux.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly pair=record columns=100 lines=120
hack/require.sh go java mvn tmux
make --no-print-directory build >&2
go build -o .cache/bin/sites ./e2e/sites/cmd/sites
export PATH="$PWD/.cache/bin:$PWD/bin:$PATH"
sites() { command sites --name "$pair" "$@" >&2; }

socket=$(mktemp -u)
ended() {
  tmux -S "$socket" kill-server 2>/dev/null || true
  sites down
}
trap ended EXIT
sites up
KUBECONFIG=$(command sites --name "$pair" kubeconfig)
export KUBECONFIG
kubectl=$(command sites --name "$pair" kubectl)
ln -sf "$kubectl" .cache/bin/kubectl
# A stale secondary: what happened on the primary while the link was cut.
sites fill --count 2000
sites cut --wait
sites offline site-a
sites fill sessions clientSessions --site site-a --first 2000 --count 500
sites remove sessions clientSessions --site site-a --first 500 --count 200
sites heal --wait

screen() { tmux -S "$socket" capture-pane -p -S -200 "$@"; }
# until waits for a text on the screen.
until_seen() {
  for _ in $(seq 600); do
    if screen | grep -qF "$1"; then return; fi
    sleep 0.2
  done
  screen >&2
  echo "never seen: $1" >&2
  exit 1
}
tmux -S "$socket" -f /dev/null new-session -d -x "$columns" -y "$lines" -e NO_COLOR= "env PS1='$ ' bash --norc"
until_seen '$'
tmux -S "$socket" send-keys 'kubectl ispn-resync --primary-context site-a --secondary-context site-b' Enter
until_seen 'Type the name of the site'
tmux -S "$socket" send-keys 'site-b' Enter
until_seen 'Left to do'
for _ in $(seq 600); do
  if [ "$(screen | grep -v '^$' | tail -n 1)" = '$' ]; then break; fi
  sleep 0.2
done
screen | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >docs/session.txt
# The picture begins with the question: what comes before fills a screen of its own.
screen -e | sed -n '/Type the name of the site/,$p' | go run ./hack/record >docs/session.svg
