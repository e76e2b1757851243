package io.vpasid.it.realkernel;

import io.vpasid.guest.cli.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;

/// What JVMs of the machine do, done on the host with simulated functions, so that what they need
/// is loaded and linked for an AOT cache: tests, a daemon and its clients.
final class GuestRehearsal {
  private static final List<String> TESTS =
      List.of(GuestReportsTest.class.getName(), "io.vpasid.it.contract.SimulatedIntelContractTest");

  private GuestRehearsal() {}

  /// Rehearses.
  ///
  /// @param arguments a folder that it may use, and the one of the scenarios
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path folder = Path.of(arguments[0]);
    // In place of a port: read to its end, and then written to.
    Path port = folder.resolve("port");
    Files.write(port, TESTS);
    GuestMain.main(new String[] {port.toString()});

    Path control = folder.resolve("control.sock");
    Path configuration =
        Files.writeString(
            folder.resolve("serve.json"),
            """
            { "format": 1, "control": { "socket": "control.sock" }, "functions": [] }
            """);
    Thread daemon = Thread.ofPlatform().start(() -> run("serve", configuration.toString()));
    Awaitility.await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(control));
    run("run", "--connect=" + control, "--filter=sva", arguments[1]);
    run("run", arguments[1]);
    run("ctl", "--socket", control.toString(), "quit");
    daemon.join();
    // A daemon that has ended is given a minute to be gone, and the cache is written now.
    Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("end"))
        .forEach(Thread::interrupt);
  }

  private static void run(String... words) {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    int code = Main.run(out, out, words);
    if (code != 0) {
      throw new IllegalStateException(String.join(" ", words) + " ended with " + code);
    }
  }
}
