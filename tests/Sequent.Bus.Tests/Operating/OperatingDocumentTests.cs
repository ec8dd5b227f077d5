using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Sequent.Bus.Tests.Wire;
using Sequent.Protocol;

namespace Sequent.Bus.Tests.Operating;

/// <summary>docs/operating.md names what there is, and nothing else.</summary>
internal sealed partial class OperatingDocumentTests
{
    private static readonly string[] Rows = [.. Read().Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal))];

    [Test]
    public async Task Every_request_of_the_operator_is_in_the_document()
    {
        await using var bus = await BusUnderTest.StartAsync();
        var requests = (await bus.AskAsync("/admin"))["requests"]!.AsArray().Select(r => Request().Match((string)r!).Value.TrimEnd('/'));
        Assert.That(Rows.Select(row => Request().Match(row).Value).Where(request => request.Contains("/admin", StringComparison.Ordinal)), Is.EquivalentTo(requests));
    }

    [Test]
    public async Task Every_instrument_is_in_the_document()
    {
        await using var bus = await BusUnderTest.StartAsync();
        var names = new HashSet<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == SequentDiagnostics.Name)
                    names.Add(instrument.Name);
            },
        };
        Assert.That(BusMeter.DeadLetters.Enabled, Is.False, "the meter is there");
        listener.Start();
        Assert.That(Rows.Select(row => Instrument().Match(row)).Where(m => m.Success).Select(m => m.Value), Is.EquivalentTo(names));
    }

    private static string Read()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ClientSdk.sln")))
                return File.ReadAllText(Path.Combine(folder.FullName, "docs", "operating.md")).ReplaceLineEndings("\n");
        }

        throw new InvalidOperationException("ClientSdk.sln is in no folder above the test assembly.");
    }

    [GeneratedRegex("(GET|POST|DELETE) /[a-z/-]*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Request();

    [GeneratedRegex(@"sequent\.bus\.[a-z_.]+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Instrument();
}
