package io.vpasid.it.realkernel;

import io.vpasid.it.realkernel.GuestMachine.Function;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// A QEMU whose CPU never starts, and whose ports and memory a test reads and writes itself, by
/// QEMU's `qtest` protocol.
final class Qtest implements AutoCloseable {
  private static final int CONFIG_ADDRESS = 0xcf8;
  private static final int CONFIG_DATA = 0xcfc;

  private final Process qemu;
  private final BufferedReader answers;
  private final Writer commands;

  private Qtest(Process qemu) {
    this.qemu = qemu;
    answers = qemu.inputReader();
    commands = qemu.outputWriter();
  }

  /// Starts one with 64 MiB of memory.
  ///
  /// @param isShared whether functions get the memory's file
  /// @param log gets what QEMU says
  /// @param more options of QEMU
  static Qtest start(
      MachineParts parts, Function function, boolean isShared, Path log, String... more)
      throws IOException {
    List<String> command = new ArrayList<>(parts.qemu());
    command.addAll(
        List.of(
            ("-machine q35,memory-backend=ram -accel tcg -S -qtest stdio -qtest-log none -m 64"
                    + (isShared
                        ? " -object memory-backend-memfd,id=ram,size=64M,share=on"
                        : " -object memory-backend-ram,id=ram,size=64M")
                    + " -nodefaults -display none")
                .split(" ")));
    command.addAll(
        List.of(
            "-device",
            String.format(
                "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"%s\"},"
                    + "\"addr\":\"%s\"}",
                function.server(), function.place())));
    command.addAll(List.of(more));
    return new Qtest(new ProcessBuilder(command).redirectError(log.toFile()).start());
  }

  private String ask(String command) throws IOException {
    commands.write(command + "\n");
    commands.flush();
    String answer = answers.readLine();
    while (answer != null && answer.startsWith("IRQ ")) {
      answer = answers.readLine();
    }
    if (answer == null || !answer.startsWith("OK")) {
      throw new AssertionError("QEMU answers \"" + answer + "\" to " + command);
    }
    return answer.substring(2).strip();
  }

  /// Writes 16 bits of a function's configuration space.
  ///
  /// @param device its number on the root bus; plus 32 for each bus above it
  void writeConfig(int device, int offset, int value) throws IOException {
    select(device, offset);
    ask("outw 0x%x 0x%x".formatted(CONFIG_DATA | (offset & 2), value));
  }

  /// Reads 32 bits of a function's configuration space.
  ///
  /// @param device its number on the root bus; plus 32 for each bus above it
  int readConfig(int device, int offset) throws IOException {
    select(device, offset);
    return (int) (long) Long.decode(ask("inl 0x%x".formatted(CONFIG_DATA)));
  }

  private void select(int device, int offset) throws IOException {
    ask("outl 0x%x 0x%x".formatted(CONFIG_ADDRESS, (1 << 31) | (device << 11) | (offset & ~3)));
  }

  /// Writes the machine's memory.
  void writeMemory(long address, byte... bytes) throws IOException {
    ask("write 0x%x %d 0x%s".formatted(address, bytes.length, HexFormat.of().formatHex(bytes)));
  }

  /// Reads the machine's memory.
  byte[] readMemory(long address, int length) throws IOException {
    return HexFormat.of().parseHex(ask("read 0x%x %d".formatted(address, length)).substring(2));
  }

  @Override
  public void close() {
    qemu.destroyForcibly().onExit().join();
  }
}
