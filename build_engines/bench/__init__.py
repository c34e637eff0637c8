"""The benchmark: a voice and this machine go in; floors, what the runtime reaches, and where time goes come out.

Everything is measured in one run, on one core unless said, taking turns with what it is compared with. What a process
costs is measured in processes of their own (`alone`), which import the runtime only.
"""
