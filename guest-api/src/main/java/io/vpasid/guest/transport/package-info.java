/// Unix stream sockets on Netty whose messages own their bytes and the file descriptors that came
/// with them.
///
/// A protocol says how long its messages are ([io.vpasid.guest.transport.Framing]) and receives
/// each as one [io.vpasid.guest.transport.Packet], whichever of the three kinds of channel
/// ([io.vpasid.guest.transport.SocketKind]) carries it. Paths are created for their owner alone and
/// removed again ([io.vpasid.guest.transport.SocketListener]); who is at the other end is known
/// before its first byte is read ([io.vpasid.guest.transport.PeerCredentials]).
@NullMarked
package io.vpasid.guest.transport;

import org.jspecify.annotations.NullMarked;
