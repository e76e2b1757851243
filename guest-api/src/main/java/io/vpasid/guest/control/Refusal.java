package io.vpasid.guest.control;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;

/// Tells a client for which there is no room why it is disconnected.
final class Refusal extends ChannelInboundHandlerAdapter {
  private final int maxClients;

  Refusal(int maxClients) {
    this.maxClients = maxClients;
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    ControlException full =
        ControlException.generic(
            "there are " + maxClients + " control clients, and no room for more; close one");
    context
        .writeAndFlush(Unpooled.wrappedBuffer(ControlMessages.error(full, null)))
        .addListener(ChannelFutureListener.CLOSE);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ReferenceCountUtil.release(message);
  }
}
