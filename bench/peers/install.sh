#!/bin/sh
# Makes bench/.cache/peers, the Python environment of the peers. Nothing else of the project needs it.
set -e
cd "$(dirname "$0")"
"${PYTHON:-python3.11}" -m venv ../.cache/peers
../.cache/peers/bin/pip install -r requirements.txt
# pnnx asks for torch, which its binary doesn't need for ONNX.
../.cache/peers/bin/pip install --no-deps pnnx==20261020
