#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, on loopback; for tests. All of it lies in FOLDER, but for the link
# /etc/slurm/slurm.conf: programs that a job starts look there, as Snakemake's executor takes SLURM_CONF from them.
#
#   one_node.sh install        Debian's slurm-wlm and munge, through apt (root)
#   one_node.sh start FOLDER   munged, slurmctld and slurmd, as root
#   one_node.sh stop FOLDER    end what start began, the cluster's jobs first
#
# The node has the machine's cores and memory, and two GPUs in name only: enough to see what a job asks for and gets.
# No accounting runs: Snakemake needs --slurm-status-command squeue.
set -euo pipefail

LINK=/etc/slurm/slurm.conf

die() {
  echo "one_node.sh: $*" >&2
  exit 1
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Wait up to 30 s for a command to succeed.
await() {
  for _ in $(seq 150); do
    "$@" > /dev/null 2>&1 && return
    sleep 0.2
  done
  die "in vain for 30 s: $* (see $folder/*.log)"
}

install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends slurm-wlm munge
}

configure() {
  local host memory
  host=$(hostname -s)
  memory=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
  mkdir -p "$folder"/{state,spool}
  (umask 077 && head -c 1024 /dev/urandom > "$folder/munge.key")
  cat > "$folder/gres.conf" << CONF
Name=gpu File=/dev/null,/dev/zero
CONF
  cat > "$folder/cgroup.conf" << CONF
CgroupAutomount=no
CONF
  cat > "$folder/slurm.conf" << CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
KillWait=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,bf_interval=2
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory Gres=gpu:2 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE DefMemPerCPU=500 State=UP
CONF
}

up() {
  sinfo --noheader --format=%T | grep -qE '^(idle|mixed|allocated)$'
}

start() {
  command -v slurmctld slurmd munged sbatch > /dev/null || die "SLURM is not installed: one_node.sh install"
  [ "$(id -u)" = 0 ] || die "the daemons are started as root"
  [ ! -e "$LINK" ] || die "this machine is in a cluster already: $(realpath "$LINK")"
  configure
  mkdir -p "$(dirname "$LINK")"
  ln -sf "$folder/slurm.conf" "$LINK"    # over one that leads nowhere: a start that was never stopped
  export SLURM_CONF="$folder/slurm.conf" # the daemons find their other files beside it
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/munged.log"
  await munge --socket="$folder/munge.socket" --no-input
  slurmctld -c
  await scontrol ping
  slurmd
  await up
  sinfo
}

# End a daemon by the number in its pid file, and wait until it is gone.
end() {
  local pid
  pid=$(cat "$folder/$1.pid" 2> /dev/null) || return 0
  kill "$pid" 2> /dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2> /dev/null || return 0
    sleep 0.1
  done
  kill -9 "$pid"
}

stop() {
  [ "$(readlink "$LINK")" = "$folder/slurm.conf" ] || die "no cluster was started in $folder"
  if up; then
    scancel --user=root || true
    await test -z "$(squeue --noheader)"
  fi
  end slurmd
  end slurmctld
  end munged
  rm "$LINK"
}

[ $# -ge 1 ] || die "install, start FOLDER or stop FOLDER"
case $1 in
install) install ;;
start | stop)
  [ $# = 2 ] || die "$1 needs a folder"
  folder=$(realpath -m "$2")
  "$1"
  ;;
*) die "install, start FOLDER or stop FOLDER; not $1" ;;
esac
