using Sequent.Client.Tests.Support;
using Sequent.Client.Units;

namespace Sequent.Client.Tests;

internal sealed class FoldCacheTests
{
    [Test]
    public void The_fold_cache_forgets_what_was_not_used_for_longest()
    {
        var cache = new FoldCache(2);
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 0, 1));
        cache.Keep("log", "b", typeof(Account), new Fold(Account.Initial, 0, 2));
        cache.Find("a", typeof(Account));
        cache.Keep("log", "c", typeof(Account), new Fold(Account.Initial, 0, 3));

        Assert.That(cache.Find("b", typeof(Account)).Fold, Is.Null);
        Assert.That(cache.Find("a", typeof(Count)).Fold, Is.Null);
        Assert.That(cache.Find("a", typeof(Account)), Is.EqualTo((new Fold(Account.Initial, 0, 1), "log")));
    }

    [Test]
    public void The_fold_cache_keeps_the_latest_fold_and_only_of_one_log()
    {
        var cache = new FoldCache(10);
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 5, 9));
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 4, 8));
        Assert.That(cache.Find("a", typeof(Account)).Fold?.Position, Is.EqualTo(9));

        cache.Keep("other", "b", typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(cache.Find("a", typeof(Account)).Fold, Is.Null);
        Assert.That(cache.Find("b", typeof(Account)).LogId, Is.EqualTo("other"));
    }

    [Test]
    public void A_fold_cache_of_size_0_keeps_nothing()
    {
        var cache = new FoldCache(0);

        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(cache.Find("a", typeof(Account)).Fold, Is.Null);
    }

    [Test]
    public void A_full_fold_cache_stays_at_its_size_however_many_keys_come()
    {
        var cache = new FoldCache(2);
        string[] keys = [.. Enumerable.Range(0, 10).Select(i => $"k{i}")];

        foreach (var key in keys)
            cache.Keep("log", key, typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(keys.Where(k => cache.Find(k, typeof(Account)).Fold is not null), Is.EqualTo(["k8", "k9"]));
    }

    [Test]
    public void A_fold_cache_that_was_emptied_has_all_its_room_and_no_more()
    {
        var cache = new FoldCache(2);
        cache.Keep("log", "a", typeof(Account), new Fold(Account.Initial, 0, 1));
        cache.Keep("log", "b", typeof(Account), new Fold(Account.Initial, 0, 2));

        foreach (var key in (string[])["c", "d", "e"])
            cache.Keep("other", key, typeof(Account), new Fold(Account.Initial, 0, 1));

        Assert.That(new[] { "a", "b", "c", "d", "e" }.Where(k => cache.Find(k, typeof(Account)).Fold is not null), Is.EqualTo(["d", "e"]));
    }
}
