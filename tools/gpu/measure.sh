#!/usr/bin/env bash
# Runs on the machine with the GPU, beside what pack.mjs made: `bash measure.sh [first|conformance|speed|model|profile]…`, all of them
# unless named. Lines of JSON go to standard output and to results.jsonl in the folder that OUT names.
#
# TINY=1 tries it with small sizes on whatever device is there, with the Node on PATH and the package that DAWN names.
# LIMIT is how long all may take together, in seconds; SCALE multiplies the time that each part may take.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
start=$SECONDS
out=${OUT:-$PWD/out}
mkdir -p "$out"
log=$out/results.jsonl
options=()

if [[ -n ${TINY:-} ]]; then
  node=(node)
  options=(--tiny --dawn "${DAWN:-webgpu}")
else
  room=$(mktemp -d)
  trap 'rm -rf "$room"' EXIT
  tar xJf machine.tar.xz -C "$room"
  cp measure.mjs shaders*.json "$room" 2>/dev/null
  cd "$room"
  node=("$room/node")
  export LD_LIBRARY_PATH=$room/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  # Where drivers put the file that says where they are; the loader looks into the last two by itself.
  for file in /usr/local/nvidia/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json /usr/share/vulkan/icd.d/*.json; do
    [[ -z ${VK_DRIVER_FILES:-} && -e $file ]] && export VK_DRIVER_FILES=$file
  done
  nvidia-smi --query-gpu=name,driver_version,clocks.max.sm --format=csv,noheader 2>/dev/null | tee -a "$log"
fi

# part SECONDS PART OPTION…: one process with a limit of its own. Nothing starts that has not two thirds of it left.
part() {
  local limit=$(($1 * ${SCALE:-1})) left=$((${LIMIT:-585} - (SECONDS - start))) code
  shift
  if ((left < limit * 2 / 3)); then
    echo "{\"skipped\":\"$*\"}" | tee -a "$log"
    return
  fi
  ((limit > left)) && limit=$left
  timeout -k 5 $((limit + 4)) "${node[@]}" measure.mjs "$@" --limit "$limit" ${options[@]+"${options[@]}"} 2> >(tail -c 1500 >&2) | tee -a "$log"
  code=${PIPESTATUS[0]}
  if ((code != 0)); then echo "{\"died\":\"$*\",\"code\":$code}" | tee -a "$log"; fi
}

parts=" ${*:-first conformance speed model profile} "
wants() { [[ $parts == *" $1 "* ]]; }

if wants first; then # Does it open; are its numbers right, with checks of indexes and without, and in which form of the shaders?
  for products in float16 split; do
    part 20 check --products $products
    for shaders in main plain; do part 16 check --products $products --no-robustness --shaders $shaders; done
  done
  # Shaders of another commit, where pack.mjs was asked for them.
  [[ -e shaders.json ]] && part 16 check --products float16 --no-robustness --shaders shaders.json
  for robustness in '' --no-robustness; do
    for shaders in main plain; do part 14 matmul --products float16 $robustness --shaders $shaders; done
    part 14 matmul --products split $robustness
    part 14 matmul --products float32 $robustness
  done
  part 14 matmul --products float16 --toggle disable_workgroup_init
fi
if wants conformance; then # No time is measured here: side by side.
  for products in float32 float16 split; do part 75 conformance --products $products & done
  for products in float32 float16; do part 75 conformance --products $products --no-robustness & done
  for products in float16 split; do part 60 errors --products $products & done
  for products in float32 float16; do part 60 errors --products $products --no-robustness & done
  wait
fi
if wants speed; then
  for products in float16 float32 split; do
    for robustness in '' --no-robustness; do part 24 attention --products $products $robustness; done
  done
fi
if wants model; then
  part 40 training --products float16
  part 40 training --products float16 --no-robustness
  part 40 training --products float32
  part 60 training --products float16 --lengths 16384,65536
  part 60 decode --products float32
  part 60 decode --products float32 --no-robustness
fi
if wants profile; then
  for products in float32 float16; do part 40 profile --products $products; done
fi
echo "{\"seconds\":$((SECONDS - start))}" | tee -a "$log"
