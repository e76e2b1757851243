package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.vpasid.testing.Seeds;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Files with bytes that are changed, left out or there twice. Invariant I8: none makes a reader
/// throw anything but one clear line; [JsonFileTarget] says what that is.
class DamagedJsonFileTest {
  @Test
  void scenarios() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(Path.of("../scenarios"))) {
      files = all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
    assertThat(files).hasSizeGreaterThan(10);
    for (Path file : files) {
      everyDamageIsReadOrRefused(JsonFileTarget.Kind.SCENARIO, Files.readAllBytes(file), 60);
    }
  }

  @Test
  void functions() throws IOException {
    everyDamageIsReadOrRefused(
        JsonFileTarget.Kind.FUNCTION, everyKey("every-function-key.json"), 2_000);
  }

  @Test
  void configurations() throws IOException {
    everyDamageIsReadOrRefused(
        JsonFileTarget.Kind.CONFIGURATION, everyKey("every-configuration-key.json"), 2_000);
  }

  /// A file with every key, with which the fuzzer begins, too.
  private static byte[] everyKey(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(DamagedJsonFileTest.class.getResourceAsStream(name))) {
      return in.readAllBytes();
    }
  }

  private static void everyDamageIsReadOrRefused(
      JsonFileTarget.Kind kind, byte[] intact, int rounds) throws IOException {
    assertThat(JsonFileTarget.isRead(kind, intact)).isTrue();
    AtomicInteger tried = new AtomicInteger();
    AtomicInteger read = new AtomicInteger();
    Seeds.forAll(
        rounds,
        seed -> {
          byte[] damaged = damaged(intact, new Random(seed));
          tried.incrementAndGet();
          try {
            read.addAndGet(JsonFileTarget.isRead(kind, damaged) ? 1 : 0);
          } catch (IOException | RuntimeException | AssertionError e) {
            fail(new String(damaged, StandardCharsets.UTF_8), e);
          }
        });
    assertThat(read.get()).isBetween(1, tried.get() * 9 / 10);
  }

  private static byte[] damaged(byte[] intact, Random random) {
    byte[] bytes = intact.clone();
    for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
      int at = random.nextInt(bytes.length);
      int end = Math.min(bytes.length, at + random.nextInt(8));
      byte[] tail = Arrays.copyOfRange(bytes, random.nextBoolean() ? end : at, bytes.length);
      byte[] head = Arrays.copyOf(bytes, random.nextBoolean() ? end : at);
      bytes = Arrays.copyOf(head, head.length + tail.length);
      System.arraycopy(tail, 0, bytes, head.length, tail.length);
      if (random.nextBoolean()) {
        bytes[random.nextInt(bytes.length)] = (byte) (32 + random.nextInt(96));
      }
    }
    return bytes;
  }
}
