package io.vpasid.guest.vfiouser;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.vpasid.vmm.linux.Errno;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Lets a client speak through a channel: replies go to the requests that wait for them, and what
/// the server asks for is taken from the memory that the client offers it.
///
/// A reply that nobody waits for, or of another layout than its request's, ends the connection: the
/// server and this client no longer agree on what was said.
final class ClientHandler extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = LoggerFactory.getLogger(ClientHandler.class);

  private final PendingRequests requests;
  private final OfferedMemory memory;

  ClientHandler(PendingRequests requests, OfferedMemory memory) {
    this.requests = requests;
    this.memory = memory;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object read) {
    Message message = (Message) read;
    message.descriptors().close();
    Header header = message.header();
    if (header.isRequest()) {
      serve(context, message);
    } else if (!requests.expects(header)) {
      giveUp(context, "The server sent a reply that nothing waits for.");
    } else {
      requests.complete(message).ifPresent(reason -> giveUp(context, reason));
    }
  }

  /// Does what the server asks for; only DMA is served here.
  private void serve(ChannelHandlerContext context, Message message) {
    Header header = message.header();
    Result result =
        switch (message.payload()) {
          case Payload.DmaAccess access -> memory.read(access.address(), access.count());
          case Payload.DmaData data -> {
            Optional<ByteBuffer> bytes = DmaLayout.SPECIFICATION.decode(data.rest());
            yield bytes.isPresent()
                ? memory.write(data.address(), bytes.get())
                : Result.invalid("Count and data disagree.");
          }
          case Payload.Malformed malformed -> Result.invalid(malformed.reason());
          default -> new Result.Failure(Errno.EOPNOTSUPP, "Servers ask for memory only.");
        };
    if (Answer.to(header, result) instanceof Answer.Reply reply) {
      var _ = context.writeAndFlush(reply.message());
    }
  }

  private void giveUp(ChannelHandlerContext context, String reason) {
    requests.closing(new IOException(reason));
    var _ = context.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    requests.closed();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("A connection broke.", cause);
    requests.closing(new IOException("The connection broke.", cause));
    var _ = context.close();
  }
}
