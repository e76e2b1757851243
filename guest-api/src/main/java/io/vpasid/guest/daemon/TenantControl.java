package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The control socket of a tenant's process, of which its parent is a client, and the folder that
/// the socket has for itself. Any thread may use it.
final class TenantControl {
  /// Time that a command may take: that of the longest one in the process, and some more.
  static final Duration ANSWER = LongWork.BOUND.plusSeconds(3);

  /// Time for one that has not answered before: others wait for their commands meanwhile.
  private static final Duration ANSWER_OF_SILENT = Duration.ofSeconds(1);

  private static final Duration BETWEEN_CONNECTIONS = Duration.ofMillis(400);
  private static final Duration EVENT = Duration.ofMinutes(1);

  private final Path folder;
  private volatile boolean isSilent;

  TenantControl(Path folder) {
    this.folder = folder;
  }

  Path socket() {
    return folder.resolve("control.sock");
  }

  /// Makes the folder, into which only one user can put something.
  ///
  /// @param user its id; empty for that of this process
  void makeFolder(Optional<Integer> user) throws IOException {
    Files.createDirectories(folder);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    if (user.isPresent()) {
      Files.setAttribute(folder, "unix:uid", user.get());
    }
  }

  /// Deletes the folder, with what a process leaves in it that was killed.
  void deleteFolder() throws IOException {
    if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      try (Stream<Path> left = Files.list(folder)) {
        for (Path path : left.toList()) {
          Files.deleteIfExists(path);
        }
      }
      Files.deleteIfExists(folder);
    }
  }

  /// Has the process do a command.
  ///
  /// @throws ControlException if it refuses
  /// @throws IOException if it does not answer
  JsonNode execute(ControlCommand command, ObjectNode arguments) throws IOException {
    return execute(command, arguments, isSilent ? ANSWER_OF_SILENT : ANSWER);
  }

  private JsonNode execute(ControlCommand command, ObjectNode arguments, Duration patience)
      throws IOException {
    try (ControlClient client = ControlClient.connect(socket(), patience)) {
      JsonNode answer = client.execute(command.title(), arguments);
      isSilent = false;
      return answer;
    } catch (IOException e) {
      isSilent = true;
      throw e;
    }
  }

  /// Hands on the events of the process until it ends.
  void listenTo(Process process, Consumer<ObjectNode> events) {
    while (process.isAlive()) {
      try (ControlClient client = ControlClient.connect(socket(), ANSWER)) {
        while (process.isAlive()) {
          client.nextEvent(EVENT).ifPresent(events);
        }
      } catch (IOException | ControlException e) {
        waitAMoment(process);
      }
    }
  }

  private static void waitAMoment(Process process) {
    try {
      var _ = process.waitFor(BETWEEN_CONNECTIONS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /// Asks the process something again and again until it ends, or is found to hang: it has answered
  /// nothing for a time, two questions at least. One question alone is not enough, because this
  /// process may have been stopped itself while it waited.
  ///
  /// @param most time without an answer of one that does not hang
  /// @return how long it has answered nothing; empty if it has ended
  Optional<Duration> awaitSilence(Process process, Duration most) throws InterruptedException {
    Duration patience = most.dividedBy(2);
    Duration pause = most.dividedBy(8);
    long heard = System.nanoTime();
    int unanswered = 0;
    while (!process.waitFor(pause)) {
      if (isAnswering(patience)) {
        heard = System.nanoTime();
        unanswered = 0;
      } else {
        unanswered++;
      }
      Duration silence = Duration.ofNanos(System.nanoTime() - heard);
      if (unanswered > 1 && silence.compareTo(most) > 0) {
        return Optional.of(silence);
      }
    }
    return Optional.empty();
  }

  private boolean isAnswering(Duration patience) {
    try {
      ObjectNode nothing = JsonNodeFactory.instance.objectNode();
      var _ = execute(ControlCommand.QUERY_VERSION, nothing, patience);
      return true;
    } catch (IOException | ControlException e) {
      isSilent = true;
      return false;
    }
  }
}
