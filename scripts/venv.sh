# shellcheck shell=bash
# Sourced by the other scripts, from the top of the repository: finds a Python, makes a virtual environment and installs
# into it what pyproject.toml asks for, once.

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# The first Python that is new enough; $PYTHON, if set, is the only candidate.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    command -v "${PYTHON:-python3}" >/dev/null || die "no ${PYTHON:-python3} here: install Python 3.10 or newer"
    die "$("${PYTHON:-python3}" --version 2>&1) is too old: install Python 3.10 or newer"
}

# Shows that the process $1 still works, $2 being what it does: a running clock on a terminal, else a line now and then.
show_progress() {
    local start=$SECONDS began=$SECONDS every=15
    [ -t 2 ] && every=1
    while kill -0 "$1" 2>/dev/null; do
        sleep 0.5
        if [ $((SECONDS - began)) -ge $every ]; then
            if [ -t 2 ]; then
                printf '\r%s: %d s ' "$2" $((SECONDS - start)) >&2
            else
                echo "$2: $((SECONDS - start)) s" >&2
            fi
            began=$SECONDS
        fi
    done
    [ -t 2 ] && printf '\r\033[K' >&2
    wait "$1"
}

# ensure_venv FOLDER WHAT...: the virtual environment FOLDER with `pip install WHAT...` in it. Does nothing when that has
# been done for this pyproject.toml, in this place, and still works.
ensure_venv() {
    local folder=$1 python stamp log reason file
    shift
    stamp="$PWD $*"
    for file in pyproject.toml "$@"; do
        [ -f "$file" ] && stamp="$stamp $(cksum <"$file")"
    done
    if [ "$(cat "$folder/.stamp" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c 'import paho.mqtt' 2>/dev/null; then
        return
    fi
    python=$(find_python) || exit 1
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "$python has no venv module: install it (Debian, Ubuntu: apt install python3-venv)"
    echo "installing into $folder (only the first time)" >&2
    rm -f "$folder/.stamp"
    log="$folder/install.log"
    if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear "$folder" >&2 || die "can't make the virtual environment $folder"
    fi
    "$folder/bin/python" -m pip install --disable-pip-version-check --no-input "$@" >"$log" 2>&1 &
    # A job in the background does not get Ctrl-C by itself.
    trap 'kill $! 2>/dev/null; exit 130' INT TERM
    if ! show_progress $! "installing"; then
        if grep -qiE 'connection|name resolution|timed out|proxy' "$log"; then
            die "the package registry can't be reached: check the network (log: $log)"
        fi
        reason=$(grep -m1 -i '^ *error' "$log" || tail -n 1 "$log")
        die "installing failed: $reason (log: $log)"
    fi
    trap - INT TERM
    printf '%s' "$stamp" >"$folder/.stamp"
}
