using System.Globalization;
using System.Text.Json.Nodes;
using Bank.Specs.Running;
using Bank.Tests;

namespace Bank.Specs.Steps;

/// <summary>What moved the money of an account.</summary>
internal sealed class StatementsSteps(World world)
{
    [Step("{whose} statement is empty")]
    public async Task IsEmptyAsync(string whose) => Assert.That(await world.Who(whose).StatementAsync(), Is.Empty);

    [Step("{whose} statement shows:")]
    public async Task ShowsAsync(string whose, Table lines)
    {
        string[] shown = [.. (await world.Who(whose).StatementAsync()).Select(Describe)];
        string[] expected = [.. lines.Records.Select(line => $"{line["amount"]} {line["what"]}")];
        Assert.That(shown, Is.EqualTo(expected), $"It shows {string.Join(", ", shown)}.");
    }

    [Step("{whose} statement adds up to {amount}")]
    public async Task AddsUpAsync(string whose, string sum)
    {
        var lines = await world.Who(whose).StatementAsync();
        Assert.That(lines.Sum(line => decimal.Parse((string)line!["amount"]!, CultureInfo.InvariantCulture)), Is.EqualTo(decimal.Parse(sum, CultureInfo.InvariantCulture)));
    }

    [Step("both statements name the same transfer")]
    public async Task NameSameTransferAsync()
    {
        var statements = await Task.WhenAll(world.People.Select(person => person.StatementAsync()));
        Assert.That(statements.Select(lines => $"{lines[^1]!["transaction_id"]}"), Is.EqualTo(new[] { world.Transfers[^1], world.Transfers[^1] }));
    }

    [Step("{customer} looks at {whose} statement")]
    public async Task LookAtStatementAsync(string customer, string whose) =>
        world.Answer = await world.Who(customer).AtBank.GetAsync(Part.Accounts, $"{world.Who(whose).AccountPath}/statement");

    private static string Describe(JsonNode? line) => $"{line!["amount"]} {line["note"] ?? (line["transaction_id"] is null ? "nothing" : "transfer")}";
}
