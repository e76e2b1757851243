package io.vpasid.guest.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vpasid.synth.json.JsonFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A wrong scenario is one line that says where it is wrong and what to do.
class ScenarioFileErrorTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "atach": { } }                                    | 4:3: unknown key "atach"; did you mean "attach"?
          { "attach": { "pasid": 1 } }                        | 4:1: "attach" has no "space"; add it
          { "attach": { "pasid": "one", "space": "a" } }      | 4:24: "pasid" must be a number such as 1, or "0x1" in hexadecimal, not "one"
          { "attach": { "pasid": "1", "space": "a" } }        | 4:24: "pasid" must be a number: write 1, without quotes
          { "attach": { "pasid": -1, "space": "a" } }         | 4:24: "pasid" must be a whole number from 0 to 999999999, not the number -1
          { "attach": { "pasid": 1, "space": "a", "expect": "EINVALID" } } | 4:51: "expect" must be one of ok, EPERM
          { "attach": { "pasid": "${p}", "space": "a" } }     | 4:24: nothing here is called "p"; add it to "matrix", in front
          { "attach": [ ] }                                   | 4:13: "attach" must be an object { … }, not a list
          { "enable": { }, "disable": { } }                   | a step does one thing; put "disable" into a step of its own
          { }                                                 | 4:1: the step does nothing; write one of enumerate
          { "read": { "register": "pasid-contol", "value": "0x1" } } | 4:25: "register" must be one of vendor-id
          { "read": { "offset": "0x1000", "value": "0x1" } }  | 4:23: "offset" 0x1000 is too large; the highest is 0xfff
          { "read": { "value": "0x1" } }                      | 4:1: "read" needs either "register" or "offset"; name one of them
          { "read": { "register": "command", "width": 1, "value": "0x1" } } | 4:1: a register has its own width
          { "write": { "offset": "0x40", "width": 3, "value": 1 } } | 4:41: "width" must be 1, 2 or 4 bytes, not 3
          { "reset": { "by": "guest", "expect": "EAGAIN" } }  | 4:1: a guest is not told how its reset ends
          { "fail": { "request": "attach" , "errno": "EWHAT" } } | 4:44: "errno" must be one of EPERM
          { "repeat": { "times": 2 } }                        | 4:1: "repeat" has no "steps"; add them
          { "repeat": { "times": 1000000, "steps": [ { "repeat": { "times": 1000000, "steps": [ { "repeat": { "times": 1000000, "steps": [ { "enable": { } } ] } } ] } } ] } } | does more than 100000000 steps, with all repetitions; repeat less
          { "repeat": { "times": 2, "random": { "p": [5, 1] }, "steps": [ { "enable": { } } ] } } | a random number has a lowest and a highest value
          { "migrate": { "to": "nowhere.txt", "layout": "equal" } } | 4:22: the dump cannot be used:
          { "scribble": { "writes": 1, "range": "0x200-0x100" } } | has a range that ends before it starts
          """)
  void wrongStepsAreShownWithTheirPlace(String step, String message) {
    Path file = ScenarioFile.withSteps(folder, step.strip());

    assertThatThrownBy(() -> Scenario.read(file))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith(file + ":")
        .hasMessageContaining(message)
        .message()
        .hasLineCount(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "format": 2 }              | :1:13: format 2 is not known here, only 1; use a newer vpasid
          { "title": "t" }             | :1:1: the file has no "format"; add "format": 1
          { "format": 1 }              | :1:1: the scenario has no "title"; say what it shows
          { "format": 1, "title": "t", "steps": [ { "enable": { } } ] } | :1:1: the scenario has no "function"; name a dump
          { "format": 1, "titel": "t" } | :1:16: unknown key "titel"; did you mean "title"?
          { "format": 1, "title": "t", "function": "missing.txt" } | :1:42: the dump cannot be used: ~
          { "format": 1, "title": "t", "function": "missing.json" } | :1:42: the description cannot be used: ~
          { "format": 1, "title": "t", "host": { "iommu": "intl" } } | "iommu" must be one of intel, intel-legacy, arm, amd, none, not "intl"; did you mean "intel"?
          { "format": 1, "title": "t", "host": { "width": 21 } } | "width" must be a whole number from 0 to 20, not the number 21
          { "format": 1, "title": "t", "host": { "kernel": "new" } } | "kernel" must be a release of Linux such as "7.3", not "new"
          { "format": 1, "title": "t", "vmm": { "offset": "0x102" } } | :1:49: "offset" must be a multiple of 4 from 0x100 to 0xff8
          { "format": 1, "title": "t", "vmm": { "offset": "0xffc" } } | :1:49: "offset" 0xffc is too large; the highest is 0xff8
          { "format": 1, "title": "t", "vmm": { "available": "0x40-0x4f" } } | :1:52: "available" must start at 0x100 or above
          { "format": 1, "title": "t", "matrix": { "1x": [1] } } | must start with a letter
          { "format": 1, "title": "t", "host": { "width": "${w}" }, "matrix": { "w": [1] } } | nothing here is called "w"
          [ ]                          | :1:1: a scenario must be an object { … }, not a list
          { "format": 1                | :1:14: the file ends too early
          """)
  void wrongFilesAreShownWithTheirPlace(String text, String message) {
    Path file = ScenarioFile.write(folder, text.strip());

    assertThatThrownBy(() -> Scenario.read(file))
        .isInstanceOf(JsonFileException.class)
        .hasMessageStartingWith(file + ":")
        .hasMessageContaining(message.replace("~", "").strip())
        .message()
        .hasLineCount(1);
  }

  @Test
  void dumpWithSeveralFunctionsNeedsAnAddress() throws Exception {
    String dump = Files.readString(ScenarioFile.ACCELERATOR);
    Files.writeString(
        folder.resolve("two.txt"), dump + dump.replace("0000:6a:00.0", "0000:6a:00.1"));
    Path file =
        ScenarioFile.write(
            folder,
            "{ \"format\": 1, \"title\": \"t\", \"function\": \"two.txt\","
                + " \"steps\": [ { \"enable\": { } } ] }");

    assertThatThrownBy(() -> Scenario.read(file))
        .hasMessageContaining(
            "two.txt has the functions 0000:6a:00.0, 0000:6a:00.1; pick one, as in { \"dump\":"
                + " \"two.txt\", \"address\": \"0000:6a:00.0\" }");
  }

  /// A description whose texts speak of steps stays one; a scenario may be broken behind its title.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          { "title": "t" }                                         | true
          { "format": 1, "steps": [ ] }                            | true
          { "title": "t", "steps": [ { "enable" } ] }              | true
          { "format": 1, "name": "has \\"steps\\"" }               | false
          { "format": 1, "pasid": { "title": 1 } }                 | false
          [ "title" ]                                              | false
          not JSON, but with "steps"                               | false
          """)
  void aScenarioIsAnObjectWithStepsOrATitle(String text, boolean scenario) {
    Path file = ScenarioFile.write(folder, text.strip());

    assertThat(ScenarioFiles.areAt(file)).isEqualTo(scenario);
  }

  @Test
  void matrixOfTooManyCombinationsIsRefused() {
    String axis = "[" + "1,".repeat(100) + "1]";
    Path file =
        ScenarioFile.write(
            folder,
            "{ \"format\": 1, \"title\": \"t\", \"matrix\": { \"a\": %s, \"b\": %s, \"c\": %s } }"
                .formatted(axis, axis, axis));

    assertThatThrownBy(() -> Scenario.read(file)).hasMessageContaining("more than 10000");
  }
}
