"""The launch files of docs/cluster, as far as they can be tried without a cluster."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from torch.distributed.run import parse_args

from foretell.commands.train_command import configured
from foretell.train.parallel import check_layout

yaml = pytest.importorskip("yaml")
FOLDER = Path(__file__).parents[2] / "docs" / "cluster"
VARIABLE = {"name": "TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "value": "1"}


def tried(command, world):
    """The run that a command line starts, read by torchrun and by foretell, its mesh checked for so many processes."""
    assert command[0] == "torchrun"
    read = parse_args(command[1:])
    assert read.module
    assert read.training_script == "foretell"
    assert read.training_script_args[0] == "train"
    out = read.training_script_args.index("--out")
    assert read.training_script_args[out + 1].startswith("/shared/")
    name, *rest = [*read.training_script_args[1:out], *read.training_script_args[out + 2 :]]
    check_layout(configured(name, rest, {}), world)
    return read


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash is here")
def test_the_slurm_file_is_a_program_and_gives_torchrun_what_it_needs(tmp_path):
    file = FOLDER / "slurm.sbatch"
    assert subprocess.run(["bash", "-n", file], capture_output=True, text=True, timeout=60).stderr == ""
    for name, prints in {"scontrol": "echo node1; echo node2", "srun": 'shift; printf "%s\\n" "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{prints}\n")
        (tmp_path / name).chmod(0o755)
    given = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_ID": "7"}
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", **given, "SLURM_GPUS_ON_NODE": "4"}
    asked = ["gpt2.pretrain:117M", "--out", "/shared/runs/big", "--parallel.tensor", "2"]
    said = subprocess.run(["bash", file, *asked], env=variables, capture_output=True, text=True, timeout=60)
    assert (said.returncode, said.stderr) == (0, "")
    read = tried(said.stdout.splitlines(), 8)
    assert (read.nnodes, read.nproc_per_node, read.rdzv_endpoint) == ("2", "4", "node1:29500")
    assert "export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1" in file.read_text()


def test_a_slurm_run_that_fails_says_so(tmp_path):
    for name, prints in {"scontrol": "echo node1", "srun": "exit 3"}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{prints}\n")
        (tmp_path / name).chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_JOB_NODELIST": "n", "SLURM_JOB_NUM_NODES": "1"}
    said = subprocess.run(["bash", FOLDER / "slurm.sbatch"], env={**variables, "SLURM_JOB_ID": "7"}, timeout=60)
    assert said.returncode == 3


def container_of(template):
    (container,) = template["spec"]["containers"]
    assert VARIABLE in container["env"]
    volumes = {one["name"] for one in template["spec"]["volumes"]}
    assert {one["name"] for one in container["volumeMounts"]} <= volumes
    assert any(one["mountPath"] == "/shared" for one in container["volumeMounts"])
    return container


def test_the_jobset_starts_as_many_machines_and_processes_as_torchrun_waits_for():
    job = yaml.safe_load((FOLDER / "jobset.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("jobset.x-k8s.io/v1alpha2", "JobSet")
    (replicated,) = job["spec"]["replicatedJobs"]
    spec = replicated["template"]["spec"]
    container = container_of(spec["template"])
    gpus = container["resources"]["limits"]["nvidia.com/gpu"]
    read = tried(container["command"], spec["completions"] * gpus)
    assert int(read.nnodes) == spec["completions"] == spec["parallelism"]
    assert int(read.nproc_per_node) == gpus
    first = f"{job['metadata']['name']}-{replicated['name']}-0-0.{job['metadata']['name']}"  # as JobSet names it
    assert read.rdzv_endpoint == f"{first}:29500"
    assert spec["completionMode"] == "Indexed"


def test_the_pytorchjob_asks_for_the_gpus_of_its_processes():
    job = yaml.safe_load((FOLDER / "pytorchjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    replicas = job["spec"]["pytorchReplicaSpecs"]
    assert set(replicas) == {"Master", "Worker"}
    assert replicas["Master"]["replicas"] == 1
    per_node = int(job["spec"]["nprocPerNode"])
    for one in replicas.values():
        container = container_of(one["template"])
        assert container["name"] == "pytorch", "the operator looks for this name"
        assert container["resources"]["limits"]["nvidia.com/gpu"] == per_node
        tried(container["command"], per_node * sum(some["replicas"] for some in replicas.values()))


def test_the_page_names_every_file():
    named = set(re.findall(r"\(([\w.]+)\)", (FOLDER / "README.md").read_text()))
    assert named == {path.name for path in FOLDER.iterdir()} - {"README.md"}
