"""What a box counts, for an MQTT broker: each crossing, the totals of the day, and the people inside."""

from metrica.nodes.mqtt.node import Mqtt

__all__ = ["Mqtt"]
