package io.vpasid.pci.dump;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// Functions with random bytes in them; the same for the same seed.
final class RandomSpaces {
  private final Random random;

  RandomSpaces(long seed) {
    random = new Random(seed);
  }

  ConfigSpace config(int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return ConfigSpace.of(bytes);
  }

  ConfigSpace config() {
    return config(random.nextInt(4) == 0 ? ConfigSpace.EXTENDED_SIZE : ConfigSpace.STANDARD_SIZE);
  }

  /// Functions at different addresses, of either size, in domains that `lspci` can read back.
  List<HostFunction> functions(int count) {
    List<HostFunction> functions = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      PciAddress address = new PciAddress(random.nextInt(0x100000), i >> 8, i >> 3 & 0x1f, i & 7);
      functions.add(new HostFunction(address, "Class " + random.nextInt(), config()));
    }
    return functions;
  }
}
