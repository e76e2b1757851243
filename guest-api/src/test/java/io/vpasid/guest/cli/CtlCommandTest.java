package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.control.ControlCommand;
import io.vpasid.guest.control.ControlEvent;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlServer;
import io.vpasid.guest.control.ControlTarget;
import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/// The client, with a target that notes what it was asked.
class CtlCommandTest {
  /// What a daemon says of an IOMMU, in short.
  private static final Map<String, Object> IOMMU =
      Map.of(
          "registers",
          Map.of("GSTS", "0xc4000000"),
          "entries",
          List.of(
              Map.of(
                  "function", "dsa",
                  "place", "00:04.0",
                  "pasid", 7,
                  "entry", "first stage at 0x8000 (48 bits), domain 2",
                  "attached", "the guest's page table, nested (HWPT 5)",
                  "tables",
                      List.of(
                          Map.of(
                              "table", "pasid",
                              "address", "0x41c0",
                              "words", List.of("0x41", "0x800002", "0x8000", "0x0", "0x0"))))),
          "more",
          true);

  @TempDir private Path folder;

  private final SocketLoops loops = SocketLoops.open(SocketKind.best(), "control", 1);
  private final List<String> asked = new ArrayList<>();
  private ControlServer server;

  @BeforeEach
  void serve() throws IOException {
    ControlTarget target =
        (command, arguments, _) -> {
          asked.add(arguments.toString());
          return switch (command) {
            case QUERY_FUNCTIONS -> List.of(Map.of("name", "dsa"), Map.of("name", "a-long-name"));
            case FUNCTION_RESET -> throw ControlException.generic("not today");
            case QUERY_IOMMU -> IOMMU;
            default -> Map.of();
          };
        };
    server =
        ControlServer.open(
            loops,
            folder.resolve("c.sock"),
            Runnable::run,
            target,
            Map.of(),
            ControlServer.Options.defaults());
  }

  @AfterEach
  void end() {
    server.close();
    loops.close();
  }

  private Run ctl(String... words) {
    List<String> all = new ArrayList<>(List.of("ctl", "--socket", server.path().toString()));
    all.addAll(List.of(words));
    return Run.of(all.toArray(String[]::new));
  }

  /// As `head` does, which has gone when it has enough.
  @Test
  void watchEndsWhenNobodyReadsIt() {
    OutputStream gone =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    CompletableFuture<Integer> watch =
        CompletableFuture.supplyAsync(() ->
            Main.run(
                new PrintWriter(gone, false, StandardCharsets.UTF_8),
                new PrintWriter(new StringWriter()),
                "ctl",
                "--socket",
                server.path().toString(),
                "watch"));

    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> {
          server.tell(ControlEvent.FUNCTION_RESET, Map.of("function", "dsa"));
          return watch.isDone();
        });
    assertThat(watch).isCompletedWithValue(0);
  }

  @Test
  void watchSaysThatTheDaemonIsGone() {
    CompletableFuture<Run> watch = CompletableFuture.supplyAsync(() -> ctl("watch"));
    await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> {
          server.tell(ControlEvent.FUNCTION_RESET, Map.of("function", "dsa"));
          return server.clients() > 0;
        });

    server.close();

    Run run = watch.join();
    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(run.err())
        .isEqualToIgnoringNewLines(
            "vpasid: the daemon at " + server.path() + " is gone: it ended the connection");
  }

  @Test
  void argumentsComeInOrderOrByName() {
    assertThat(ctl("pasid-attach", "dsa", "7", "shell").code()).isZero();
    assertThat(ctl("pasid-attach", "pasid=0x7", "dsa", "space=1").code()).isZero();

    assertThat(asked)
        .containsExactly(
            "pasid-attach function=\"dsa\" pasid=7 space=\"shell\"",
            "pasid-attach pasid=\"0x7\" function=\"dsa\" space=1");
  }

  @Test
  void beginningOfACommandWillDo() {
    assertThat(ctl("pasid-a", "dsa", "7", "shell").code()).isZero();

    Run several = ctl("function");
    assertThat(several.code()).isEqualTo(ExitCode.USAGE);
    assertThat(several.err()).contains("function-add or function-del or function-reset");
  }

  @Test
  void answersAreTablesOrJson() {
    assertThat(ctl("query-functions").out()).isEqualTo("NAME\ndsa\na-long-name\n");
    assertThat(new JsonMapper().readTree(ctl("query-functions", "--json").out()).size())
        .isEqualTo(2);
    assertThat(ctl("quit").out()).isEqualTo("done\n");
  }

  @Test
  void anIommuIsItsStateAndTheWayToEachEntry() {
    assertThat(ctl("query-iommu").out())
        .isEqualTo(
            """
            registers
              GSTS                   0xc4000000

            dsa (00:04.0) PASID 7: first stage at 0x8000 (48 bits), domain 2
                attached to the guest's page table, nested (HWPT 5)
                pasid       0x41c0       0x41 0x800002 0x8000
            and more; raise limit
            """);
    assertThat(new JsonMapper().readTree(ctl("query-iommu", "--json").out()).path("entries"))
        .hasSize(1);
  }

  @Test
  void refusalIsExitCode1() {
    Run text = ctl("function-reset", "dsa");
    assertThat(text.code()).isEqualTo(ExitCode.NO);
    assertThat(text.err()).isEqualTo("vpasid: not today\n");

    Run json = ctl("function-reset", "dsa", "--json");
    assertThat(json.code()).isEqualTo(ExitCode.NO);
    assertThat(new JsonMapper().readTree(json.out()).path("error").path("class").asString(""))
        .isEqualTo("GenericError");
  }

  @Test
  void badUsageIsOneLineWithTheCommandsForm() {
    assertThat(ctl("pasid-attach", "dsa").err())
        .hasLineCount(1)
        .contains("pasid-attach needs pasid")
        .contains("it is pasid-attach function pasid space");
    assertThat(ctl("pasid-attach", "a", "1", "b", "c").err()).contains("takes no argument 'c'");
    assertThat(ctl("pasid-attach", "x=1").err()).contains("has no argument 'x'");
    assertThat(ctl("quit", "quit").code()).isEqualTo(ExitCode.USAGE);
    assertThat(ctl("pasid-attach", "a", "function=b").err()).contains("given twice");
    assertThat(ctl("pasid-atach").err()).contains("did you mean pasid-attach?");
    assertThat(ctl().err()).contains("a command is missing");
    assertThat(asked).isEmpty();
  }

  @Test
  void noDaemonIsExitCode3() {
    Run run = Run.of("ctl", "--socket", folder.resolve("none.sock").toString(), "query-version");

    assertThat(run.code()).isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(run.err()).hasLineCount(1).contains("none.sock");
  }

  @Test
  void helpListsTheCommandsOfTheTable() {
    String help = Run.of("ctl", "--help").out();

    assertThat(help).contains("pasid-attach function pasid space").contains("watch");
    assertThat(help).contains(ControlCommand.titles().stream().skip(1).toList());
  }
}
