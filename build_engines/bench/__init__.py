"""The benchmark: a voice and this machine go in; its floors, what the runtime reaches, and where the time goes come out.

Everything is measured in one run, on one core unless said, taking turns with what it is compared with. What a process
costs is measured in processes of their own (`alone`), which import the runtime only.
"""
