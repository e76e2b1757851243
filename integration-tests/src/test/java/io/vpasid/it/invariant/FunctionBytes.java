package io.vpasid.it.invariant;

import io.vpasid.it.space.HostSpace;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/// Functions that are told by hand, of what random ones have found.
final class FunctionBytes {
  private FunctionBytes() {}

  /// An endpoint with a PCI Express capability at 0x40 and nothing else.
  static byte[] express() {
    byte[] bytes = new byte[0x1000];
    put32(bytes, 0x00, 0x0001_f00d);
    put32(bytes, 0x04, 0x0010_0000);
    put32(bytes, 0x34, 0x40);
    put32(bytes, 0x40, 0x0002_0010);
    return bytes;
  }

  static void put32(byte[] bytes, int offset, int value) {
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
  }

  /// The case of this function on a host that can do everything.
  static Case on(byte[] bytes) {
    return on(bytes, "width=20,exec,priv");
  }

  /// The case of this function.
  ///
  /// @param hardware what the host can do, as `--hw-info` has it
  static Case on(byte[] bytes, String hardware) {
    return new Case(
        new HostSpace(bytes, Optional.empty(), List.of(), false, "told by hand"),
        false,
        HardwareInfo.parse(hardware),
        KnownQuirks.NONE,
        PlacementPolicy.DEFAULT,
        List.of(),
        List.of());
  }
}
