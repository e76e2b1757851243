package io.vpasid.it.contract;

import io.vpasid.it.contract.KilledLife.Way;
import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

/// A program that lives [KilledLife] again and again, each way in turn, on several functions at the
/// same time, each by a thread and an iommufd context of its own, until it is killed. A file says
/// which step each function is in, and survives the program.
final class KilledLives {
  private static final List<Way> WAYS = List.of(Way.values());

  /// What it prints when each function has lived once, and so each way is known.
  static final String READY = "ready";

  private KilledLives() {}

  /// Begins when it is told to by a byte on its standard input.
  ///
  /// @param arguments the file, then the functions; the byte of the file at a function's index is
  ///   its step
  public static void main(String[] arguments) throws IOException, InterruptedException {
    List<PciAddress> functions =
        Stream.of(arguments).skip(1).map(text -> PciAddress.parse(text).orElseThrow()).toList();
    MappedByteBuffer steps;
    try (FileChannel file =
        FileChannel.open(
            Path.of(arguments[0]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      steps = file.map(MapMode.READ_WRITE, 0, functions.size());
    }
    int _ = System.in.read();
    CountDownLatch first = new CountDownLatch(functions.size());
    for (int i = 0; i < functions.size(); i++) {
      int at = i;
      Thread.ofPlatform()
          .uncaughtExceptionHandler((_, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
          })
          .start(() -> {
            // Neighbours begin with another way.
            for (int life = 0; true; life++) {
              Way way = WAYS.get((at + life) % WAYS.size());
              KilledLife.live(functions.get(at), way, step -> steps.put(at, step.code()));
              first.countDown();
            }
          });
    }
    first.await();
    System.out.println(READY);
  }
}
