from metrica import Message, Node, message, publisher, subscription, timer


@message
class Text(Message):
    text: str


class Talker(Node):
    chatter = publisher(Text)

    @timer(seconds=1)
    def talk(self) -> None:
        self.chatter.publish(Text(text="Hello, world"))


class Listener(Node):
    @subscription(Text)
    def chatter(self, msg: Text) -> None:
        self.log.info(msg.text)
