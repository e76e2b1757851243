package io.vpasid.it.space;

import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.mapping;
import static java.util.stream.Collectors.toList;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.walker.EveryWalk;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// What is odd about captured functions, against a look at their bytes.
@Needs(Need.CAPTURES)
class CapturedAnomaliesTest {

  private static Map<Anomaly.Kind, List<String>> anomalies() {
    return CapturedFunctions.all().stream()
        .flatMap(f ->
            CapabilityChain.walk(f.config()).anomalies().stream()
                .map(a -> Map.entry(a.kind(), f.id() + " " + a)))
        .collect(groupingBy(Map.Entry::getKey, mapping(Map.Entry::getValue, toList())));
  }

  /// Looked at by hand, each one:
  ///
  /// - AMD 1480 is a host bridge without a PCI Express capability whose ids appear again at 0x100,
  ///   where they read as a header that leads to 0x148, into zeros.
  /// - ffff:ffff is NVIDIA's audio function in D3cold: a header of ones over its own registers. Its
  ///   capabilities pointer, 0xff, leads to zeros.
  /// - Intel 9df0, an integrated Wi-Fi controller, comes with a placeholder head of its own: the
  ///   AER capability behind it has its id and version cleared, and its registers live on.
  @Test
  void rareAnomaliesAreThoseThatTheBytesShow() {
    Map<Anomaly.Kind, List<String>> anomalies = anomalies();
    anomalies.keySet().removeAll(Set.of(Anomaly.Kind.MIRRORED, Anomaly.Kind.BACKWARD_POINTER));

    assertThat(anomalies)
        .isEqualTo(
            Map.of(
                Anomaly.Kind.UNALIGNED_POINTER,
                List.of("ffff:ffff at 0x034: pointer 0x0ff has reserved low bits set"),
                Anomaly.Kind.CHAIN_INTO_ZEROS,
                List.of(
                    "ffff:ffff at 0x0fc: the capability at 0x034 leads to a header of zeros",
                    "1022:1480 at 0x148: the capability at 0x100 leads to a header of zeros"),
                Anomaly.Kind.EXTENDED_WITHOUT_PCI_EXPRESS,
                List.of(
                    "1022:1480 at 0x100: extended capabilities without a PCI Express capability"),
                Anomaly.Kind.PLACEHOLDER_HEAD,
                List.of(
                    "8086:9df0 at 0x100: the list starts with a placeholder, header 0x14c00000")));
  }

  /// The 8 data fabric functions of an AMD processor, an older AMD host bridge, 2 ports of an
  /// NVIDIA switch and a Marvell network controller.
  @Test
  void mirroredSpacesAreThoseThatShowTheirHeaderAgain() {
    assertThat(anomalies().get(Anomaly.Kind.MIRRORED))
        .containsExactlyInAnyOrder(
            "1022:1440 at 0x100: the space repeats every 0x400 bytes",
            "1022:1441 at 0x100: the space repeats every 0x400 bytes",
            "1022:1442 at 0x100: the space repeats every 0x400 bytes",
            "1022:1443 at 0x100: the space repeats every 0x400 bytes",
            "1022:1444 at 0x100: the space repeats every 0x400 bytes",
            "1022:1445 at 0x100: the space repeats every 0x400 bytes",
            "1022:1446 at 0x100: the space repeats every 0x400 bytes",
            "1022:1447 at 0x100: the space repeats every 0x400 bytes",
            "1002:7911 at 0x100: the space repeats every 0x100 bytes",
            "10de:05b1 at 0x100: the space repeats every 0x800 bytes",
            "10de:05b1 at 0x100: the space repeats every 0x800 bytes",
            "11ab:4363 at 0x100: the space repeats every 0x400 bytes");
    assertThat(CapturedFunctions.extended())
        .filteredOn(host -> showsItsHeaderAgain(host.bytes()))
        .hasSize(12)
        .allMatch(host -> isReported(host.config(), Anomaly.Kind.MIRRORED));
  }

  /// The first 16 bytes, which no device has elsewhere for another reason, at some distance and all
  /// its multiples.
  private static boolean showsItsHeaderAgain(byte[] bytes) {
    for (int period = 0x100; period < bytes.length; period *= 2) {
      boolean again = true;
      for (int at = period; at < bytes.length; at += period) {
        again &= Arrays.equals(bytes, 0, 16, bytes, at, at + 16);
      }
      if (again) {
        return true;
      }
    }
    return false;
  }

  /// An extended space of zeros repeats itself as well, every 0x100 bytes, and is no mirror of what
  /// is below it. Counted together with the mirrored ones, 53 captured spaces repeat.
  @Test
  void extendedSpacesOfZerosAreNotMirrored() {
    assertThat(CapturedFunctions.extended())
        .filteredOn(host -> isZero(host.bytes()))
        .hasSize(41)
        .noneMatch(host -> isReported(host.config(), Anomaly.Kind.MIRRORED));
  }

  private static boolean isZero(byte[] bytes) {
    for (int at = 0x100; at < bytes.length; at++) {
      if (bytes[at] != 0) {
        return false;
      }
    }
    return true;
  }

  @Test
  void backwardPointersAreWhereTheWalkersGoBackward() {
    List<HostFunction> functions = CapturedFunctions.all();

    List<HostFunction> reported =
        functions.stream()
            .filter(f -> isReported(f.config(), Anomaly.Kind.BACKWARD_POINTER))
            .toList();

    assertThat(reported)
        .hasSize(46)
        .isEqualTo(
            functions.stream()
                .filter(f -> EveryWalk.goesBackward(f.config().toByteArray()))
                .toList());
  }

  private static boolean isReported(ConfigSpace config, Anomaly.Kind kind) {
    return CapabilityChain.walk(config).find(kind).isPresent();
  }
}
