package io.vpasid.pci.emulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.testing.Seeds;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What holds for every function, whatever its bytes are.
class EmulationPropertyTest {

  /// Bits of registers that change by themselves when others are written, by capability id
  /// (extended ones from 0x10000 on): Stopped of PRI, Substate Status of DPA.
  private static final Map<Integer, int[]> FOLLOWING =
      Map.of(0x10013, new int[] {0x04, 1 << 24}, 0x10016, new int[] {0x0c, 0x1f});

  /// Offsets of the registers that take less than their masks say.
  private static final Map<Integer, int[]> RULED =
      Map.of(
          0x01, new int[] {0x04},
          0x03, new int[] {0x00},
          0x05, new int[] {0x00},
          0x10, new int[] {0x08},
          0x13, new int[] {0x04},
          0x10010, new int[] {0x10, 0x20},
          0x10013, new int[] {0x04},
          0x10016, new int[] {0x0c},
          0x10017, new int[] {0x08},
          0x1001b, new int[] {0x04});

  private static final ConfigPatch NOTHING = new ConfigPatch(0, 0, 0, 0, 0);

  /// A function under test, with a model of its registers.
  private static final class Model {
    final ConfigSpace config;
    final GuestConfigSpace view;
    final Map<Integer, ConfigPatch> patches = new HashMap<>();
    final Map<Integer, Integer> following = new HashMap<>();
    final Map<Integer, Boolean> ruled = new HashMap<>();
    boolean wasReset;
    int wrong;
    int lastWrong = -1;

    Model(ConfigSpace config, EmulatedRegisters registers) {
      this.config = config;
      registers.patches().forEach(patch -> patches.put(patch.offset(), patch));
      for (Capability capability : capabilities(config)) {
        int id = capability.id().value() + (capability.id().isExtended() ? 0x10000 : 0);
        int[] bits = FOLLOWING.getOrDefault(id, new int[2]);
        following.merge(capability.offset() + bits[0], bits[1], (a, b) -> a | b);
        for (int offset : RULED.getOrDefault(id, new int[0])) {
          ruled.put(capability.offset() + offset, true);
        }
      }
      view =
          registers
              .applyTo(GuestConfigSpace.over(DeviceConfig.readOnly(config)))
              .onReset(() -> wasReset = true)
              .build();
    }

    /// Writes, and takes note of bits that did not do what their masks say.
    void write(int offset, int width, int value) {
      int at = offset & ~3;
      int shift = (offset & 3) << 3;
      int touched = (-1 >>> (32 - (width << 3))) << shift;
      int before = view.read(at, 4);
      view.write(offset, width, value);
      int after = view.read(at, 4);
      ConfigPatch patch = patches.getOrDefault(at, NOTHING);
      int settable = patch.writable() & touched;
      int clearing = patch.writeOneToClear() & touched & (value << shift);
      if (wasReset) {
        wasReset = false;
        wrong |= (after ^ patch.bits()) & patch.mask() & ~patch.sticky();
        return;
      }
      wrong |= (before ^ after) & ~(settable | clearing | following.getOrDefault(at, 0));
      if (!ruled.containsKey(at)) {
        int proposed = ((before & ~settable) | (value << shift & settable)) & ~clearing;
        wrong |= after ^ proposed;
      }
      lastWrong = wrong != 0 && lastWrong < 0 ? offset : lastWrong;
    }

    void didWhatItsMasksSay(Object which) {
      assertThat(wrong).as("%s, at %03x: %08x", which, lastWrong, wrong).isZero();
    }

    void keepsItsLists() {
      ConfigSpace now = view.toConfigSpace();
      assertThat(headers(now)).containsAll(headers(config));
      assertThat(now.id()).isEqualTo(config.id());
      assertThat(now.classCode()).isEqualTo(config.classCode());
      assertThat(now.headerLayout()).isEqualTo(config.headerLayout());
    }
  }

  private static List<Capability> capabilities(ConfigSpace config) {
    CapabilityChain chain = CapabilityChain.walk(config);
    return Stream.concat(chain.standard().stream(), chain.extended().stream()).toList();
  }

  private static List<String> headers(ConfigSpace config) {
    return capabilities(config).stream().map(c -> c.offset() + ":" + c.id().value()).toList();
  }

  private static void exercise(Object which, ConfigSpace config, Random random, int writes) {
    Model model = new Model(config, EmulatedRegisters.ofFunction(config, List.of()));
    for (int i = 0; i < writes; i++) {
      int width = 1 << random.nextInt(3);
      int offset = random.nextInt(config.size() / width) * width;
      model.write(offset, width, random.nextInt(4) == 0 ? -1 : random.nextInt());
    }
    Integer[] served = model.patches.keySet().toArray(Integer[]::new);
    for (int i = 0; i < writes; i++) {
      int width = 1 << random.nextInt(3);
      int offset = served[random.nextInt(served.length)] + random.nextInt(4 / width) * width;
      model.write(offset, width, random.nextInt(4) == 0 ? -1 : random.nextInt());
    }
    model.didWhatItsMasksSay(which);
    model.keepsItsLists();
  }

  /// A function with every capability that has a table, whose bytes are then mutated.
  private static byte[] everything() {
    Capture capture = Capture.endpoint();
    int[] standard = {0x01, 0x02, 0x03, 0x05, 0x07, 0x08, 0x11, 0x13, 0x14};
    for (int i = 0; i < standard.length; i++) {
      capture.standard(0x80 + 12 * i, standard[i]);
    }
    for (int id = 1; id <= 0x30; id++) {
      capture.extended(0x100 + 0x48 * (id - 1), id, 1);
    }
    return capture.config().toByteArray();
  }

  @Test
  void readOnlyBitsNeverChangeInMutatedFunctions() {
    byte[] everything = everything();
    Seeds.forAll(
        10_000,
        seed -> {
          Random random = new Random(seed);
          byte[] bytes = everything.clone();
          for (int i = random.nextInt(200); i >= 0; i--) {
            bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
          }
          exercise(seed, ConfigSpace.of(bytes), random, 12);
        });
  }

  @Test
  void readOnlyBitsNeverChangeInRandomBytes() {
    Seeds.forAll(
        10_000,
        seed -> {
          Random random = new Random(seed);
          byte[] bytes = new byte[random.nextBoolean() ? 256 : 4096];
          random.nextBytes(bytes);
          bytes[0x06] |= 0x10;
          bytes[0x0e] &= (byte) 0x81;
          exercise(seed, ConfigSpace.of(bytes), random, 12);
        });
  }

  @Needs(Need.CAPTURES)
  @ParameterizedTest
  @MethodSource("io.vpasid.testing.Captures#files")
  void capturedFunctionsTakeAllOnesInTheirTablesBitsOnly(Path file) {
    for (HostFunction function : Dumps.read(file)) {
      ConfigSpace config = function.config();
      Model model = new Model(config, EmulatedRegisters.ofFunction(config, List.of()));
      Model virtual = new Model(config, EmulatedRegisters.ofVirtualFunction(config, List.of()));
      for (int offset = 0; offset < config.size(); offset += 4) {
        model.write(offset, 4, -1);
        virtual.write(offset, 4, -1);
      }
      model.didWhatItsMasksSay(function);
      virtual.didWhatItsMasksSay(function);
      model.keepsItsLists();
      virtual.keepsItsLists();
      exercise(function, config, new Random(config.hashCode()), 500);
    }
  }
}
