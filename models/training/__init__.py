"""Trains the detector metrica-person: data, training, evaluation, export. Needs `pip install '.[train]'`.

    python -m metrica.models.training.data      photographs and simulated scenes -> shards of training samples
    python -m metrica.models.training.train     shards -> a checkpoint (resumable)
    python -m metrica.models.training.evaluate  a checkpoint or model -> AP50 over labelled pictures
    python -m metrica.models.training.export    a checkpoint -> OpenVINO IR, FP16 and INT8

docs/training.md describes all steps. The node processes in a shop never import this package.
"""
