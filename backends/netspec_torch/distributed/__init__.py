"""Training on several GPUs: a net's columns, one on each process, and replicas of them, each with
a part of every batch.

What lies where and what crosses is decided in `netspec.analyses.placement`. Processes are started
by torchrun and speak through `torch.distributed`, NCCL on GPUs and gloo on CPUs.
"""
