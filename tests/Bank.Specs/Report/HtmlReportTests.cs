using Bank.Specs.Running;

namespace Bank.Specs.Report;

public class HtmlReportTests
{
    private static readonly Feature Feature = FeatureFile.Read(
        """"
        Feature: Payments & more
          What is <paid>.
          Background:
            Given a bank
          @money
          Scenario: Fine
            When these are paid:
              | amount |
              | 1 < 2  |
          Rule: None without money
            Scenario: Bad
              Then it is said:
                """
                No!
                """
            Scenario: Left out
              When nobody comes
        """",
        "payments.feature");

    [Test]
    public void The_page_shows_every_scenario_with_its_steps_and_its_result()
    {
        var page = Render(
            (Feature.Scenarios[0], null),
            (Feature.Scenarios[1], "Expected: \"No!\" & <nothing> else"));

        Assert.That(page, Does.Contain("3 scenarios: 1 passed, 1 failed, 1 not run"));
        Assert.That(page, Does.Contain("<h2>Payments &amp; more</h2>\n<p>What is &lt;paid&gt;.</p>"));
        Assert.That(page, Does.Contain("<span>Fine <i>money</i></span> <small>1.50 s</small>"));
        Assert.That(page, Does.Contain("<li class=\"passed background\"><b>Given</b> a bank</li>"));
        Assert.That(page, Does.Contain("<tr><th>amount</th></tr>\n<tr><td>1 &lt; 2</td></tr>"));
        Assert.That(page, Does.Contain("<h3>None without money</h3>"));
        Assert.That(page, Does.Contain("<details class=\"failed\" open>").And.Contains("<pre>No!</pre>"));
        Assert.That(page, Does.Contain("<pre class=\"failure\">Expected: &quot;No!&quot; &amp; &lt;nothing&gt; else</pre>"));
        Assert.That(page, Does.Contain("<span>Left out</span> <small>not run</small>").And.Contains("<b>When</b> nobody comes"));
    }

    [Test]
    public void The_page_needs_no_other_file() => Assert.That(Render(), Does.Contain("color-scheme").And.Not.Contains("<link").And.Not.Contains("<script").And.Not.Contains("http"));

    private static string Render(params (Scenario Scenario, string? Failure)[] ended) => HtmlReport.Render(
        [Feature],
        ended.ToDictionary(
            e => e.Scenario,
            e => new ScenarioResult([.. e.Scenario.Steps.Select(step => new StepResult(step, e.Failure is null ? Outcome.Passed : Outcome.Failed))], TimeSpan.FromSeconds(1.5), e.Failure)),
        DateTimeOffset.UnixEpoch);
}
