using System.Text.Json;

namespace Sequent.Cli.Tests;

/// <summary>What <c>sequent bench</c> does for whoever calls it; how fast a bus is, no test can say.</summary>
internal sealed class BenchCommandTests
{
    private static readonly string[] Quick = ["--duration", "1", "--warmup", "0", "--window", "20", "--keys", "20", "--durability", "os"];

    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("sequent-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("publish")]
    [TestCase("publish --wire v1")]
    [TestCase("publish --wire v2 --batch 10 --connections 2")]
    [TestCase("publish --rate 200 --zipf 1")]
    [TestCase("batch --batch 10")]
    [TestCase("unit")]
    [TestCase("deliver --instances 2")]
    [TestCase("follow")]
    [TestCase("rebuild --events 2000")]
    public async Task Every_load_is_measured_on_a_bus_of_its_own(string load)
    {
        var json = Path.Combine(_folder, "result.json");

        var (exitCode, output, errors) = await RunAsync([.. load.Split(' '), .. Quick, "--json", json]);

        Assert.That(exitCode, Is.Zero, errors);
        Assert.That(output, Does.Contain("durability os").And.Contain($"| {load.Split(' ')[0]}"));
        using var result = JsonDocument.Parse(await File.ReadAllTextAsync(json));
        Assert.That(result.RootElement.GetProperty("results")[0].GetProperty("events").GetInt64(), Is.GreaterThan(10), output);
    }

    [Test]
    public async Task A_running_bus_is_measured_and_the_times_are_drawn()
    {
        var (server, address) = await SequentProcess.StartServerAsync(Path.Combine(_folder, "sequent.db"));
        await using var _ = server;
        var png = Path.Combine(_folder, "times.png");

        var (exitCode, output, errors) = await RunAsync(["publish", "--server", address.ToString(), .. Quick, "--plot", png]);

        Assert.That(exitCode, Is.Zero, errors);
        Assert.That(output, Does.Contain($"the bus at {address}"));
        Assert.That((await File.ReadAllBytesAsync(png)).AsSpan(1, 3).SequenceEqual("PNG"u8), Is.True);
    }

    [TestCase("publish --size 3", "--size is 40 to 1000000.")]
    [TestCase("publish --rate 0", "--rate is above 0")]
    [TestCase("rebuild --rate 5", "--rate is for loads that go through the SDK, other than rebuild.")]
    [TestCase("publish --server http://localhost:8081", "--server takes an address such as ws://localhost:8081")]
    [TestCase("publish --size many", "many")]
    [TestCase("fly", "'fly'")]
    public async Task What_makes_no_sense_is_refused_with_the_remedy(string arguments, string problem)
    {
        var (exitCode, _, errors) = await RunAsync(arguments.Split(' '));

        Assert.That(exitCode, Is.Not.Zero);
        Assert.That(errors, Does.Contain(problem));
    }

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string[] arguments)
    {
        await using var process = SequentProcess.Start(["bench", .. arguments]);
        var exitCode = await process.ExitAsync();
        return (exitCode, process.Output, process.Errors);
    }
}
