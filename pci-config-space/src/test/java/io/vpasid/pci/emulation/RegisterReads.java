package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.api.AbstractIntegerAssert;

/// What a guest reads, told in hex where it is wrong.
final class RegisterReads {
  private RegisterReads() {}

  static AbstractIntegerAssert<?> assertHex(int value) {
    return assertThat(value).as("%08x", value);
  }

  /// What a register reads after all ones were written to it.
  static int afterAllOnes(GuestConfigSpace function, int offset, int width) {
    function.write(offset, width, -1);
    return function.read(offset, width);
  }
}
