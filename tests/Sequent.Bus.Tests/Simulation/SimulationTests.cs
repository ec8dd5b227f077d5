using System.Globalization;

namespace Sequent.Bus.Tests.Simulation;

/// <summary>
/// Hundreds of seeded runs of the whole bus. A failure names its seed; <c>SEQUENT_SIM_FIRST=seed SEQUENT_SIM_COUNT=1</c> in the environment
/// runs it again, step for step. <c>dotnet cake --target=Simulate</c> runs many thousands.
/// </summary>
internal sealed class SimulationTests
{
    private const int SuiteSeeds = 300;

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static void Run(int seed, Simulation simulation)
    {
        try
        {
            // Failed assertions are reported once, by whoever catches them.
            using (new NUnit.Framework.Internal.TestExecutionContext.IsolatedContext())
                simulation.Run();
        }
        catch (Exception e)
        {
            throw new AssertionException($"seed {seed}: {e.Message}\n{e.StackTrace}\nThe run ended so:\n{simulation.Trace}", e);
        }
    }

    [Test]
    public void The_bus_keeps_its_promises_whatever_goes_wrong()
    {
        var (first, count) = (Setting("SEQUENT_SIM_FIRST", 1), Setting("SEQUENT_SIM_COUNT", SuiteSeeds));
        var fired = new int[Enum.GetValues<Fault>().Length];
        for (var seed = first; seed < first + count; seed++)
        {
            var simulation = new Simulation(seed);
            Run(seed, simulation);
            for (var i = 0; i < fired.Length; i++)
                fired[i] += simulation.Faults.Fired[i];
        }

        foreach (var fault in Enum.GetValues<Fault>())
            TestContext.Out.WriteLine($"{fault,-20} {fired[(int)fault],10}");
        if (count >= SuiteSeeds)
            Assert.That(Enum.GetValues<Fault>().Where(f => fired[(int)f] == 0), Is.Empty, "every fault fires");
    }

    [Test]
    public void A_seed_gives_the_same_run_again([Range(1, 20)] int seed)
    {
        var (one, other) = (new Simulation(seed), new Simulation(seed));
        Run(seed, one);
        Run(seed, other);
        Assert.That(other.Trace.Hash, Is.EqualTo(one.Trace.Hash));
    }

    [Test]
    public void A_receipt_before_its_commit_is_found() => Finds(seed => new Simulation(seed, (d, t, f, r) => new PlantedBugs.EarlyReceipts(d, t, f, r)), "a receipt means: on disk");

    [Test]
    public void A_revoked_ack_that_settles_is_found() => Finds(seed => new Simulation(seed) { RevokedAcksSettle = true }, "of one key at once");

    [Test]
    public void A_lost_debt_is_found() => Finds(seed => new Simulation(seed, (d, t, f, r) => new PlantedBugs.LostDebts(d, t, f, r)), "of the same key was settled");

    [Test]
    public void A_wrong_order_is_found() => Finds(seed => new Simulation(seed) { SwapsOrder = true }, "of the same key was settled");

    [Test]
    public void An_id_stored_twice_is_found() => Finds(seed => new Simulation(seed, (d, t, f, r) => new PlantedBugs.ForgottenIds(d, t, f, r)), "an id is stored once");

    [Test]
    public void A_dead_letter_after_the_first_nack_is_found() => Finds(seed => new Simulation(seed) { GivesUpAtOnce = true }, "failed too seldom");

    [Test]
    public void A_window_per_key_that_is_ignored_is_found() => Finds(seed => new Simulation(seed) { IgnoresWindowPerKey = true }, "of one key at once");

    /// <param name="plant">A run with the bug.</param>
    /// <param name="promise">The promise the bug breaks, in the words of the check that has to notice.</param>
    private static void Finds(Func<int, Simulation> plant, string promise)
    {
        for (var seed = 1; seed <= SuiteSeeds; seed++)
        {
            try
            {
                Run(seed, plant(seed));
            }
            catch (AssertionException e) when (e.Message.Contains(promise, StringComparison.Ordinal))
            {
                TestContext.Out.WriteLine(e.Message.Split('\n')[0]);
                return;
            }
            catch (AssertionException)
            {
                // It may break something else first; another seed shows it at its root.
            }
        }

        Assert.Fail($"none of {SuiteSeeds} seeds finds it");
    }
}
