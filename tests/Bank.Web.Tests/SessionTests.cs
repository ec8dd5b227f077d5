using System.Net;
using System.Text.RegularExpressions;
using Bank.Web.Tests.Support;

namespace Bank.Web.Tests;

/// <summary>What holds the log-in, seen without a browser.</summary>
public class SessionTests
{
    private Site _site = null!;
    private HttpClient _http = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _site = await Site.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _site.DisposeAsync();

    [SetUp]
    public async Task RegisterAsync()
    {
        _http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = _site.Address };
        await PostFormAsync("/register", new() { ["_handler"] = "register", ["Form.Username"] = $"s{Guid.NewGuid():N}"[..20], ["Form.Password"] = Visitor.Password });
    }

    [TearDown]
    public void Leave() => _http.Dispose();

    [Test]
    public async Task The_cookie_is_kept_from_scripts_and_other_sites_and_holds_no_readable_token()
    {
        using var response = await LogInAsync();
        var cookie = response.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("bank=", StringComparison.Ordinal));

        Assert.That(cookie, Does.Contain("httponly").And.Contain("samesite=lax").And.Contain("expires="));
        Assert.That(cookie, Does.Match("^bank=CfDJ8"), "protected data begins like this");
    }

    [Test]
    public async Task Another_site_cannot_log_anybody_out()
    {
        using var forged = await _http.PostAsync("/logout", new FormUrlEncodedContent([]));
        using var lured = await _http.GetAsync("/expired");
        using var after = await _http.GetAsync("/");

        Assert.That(forged.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That((lured.StatusCode, lured.Headers.Location?.OriginalString), Is.EqualTo((HttpStatusCode.Redirect, "/")));
        Assert.That(after.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Who_is_not_logged_in_any_more_can_still_log_out()
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var stranger = new HttpClient(handler) { BaseAddress = _site.Address };

        using var left = await stranger.PostAsync("/logout", new FormUrlEncodedContent([]));

        Assert.That((left.StatusCode, left.Headers.Location?.OriginalString), Is.EqualTo((HttpStatusCode.Redirect, "/login?note=left")));
    }

    [Test]
    public async Task A_form_to_log_out_that_is_not_of_this_session_is_refused_with_a_page_that_says_why()
    {
        using var refused = await _http.PostAsync("/logout", new FormUrlEncodedContent([]));
        var page = await refused.Content.ReadAsStringAsync();

        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(page, Does.Contain("<h1>That form was too old</h1>"));
    }

    [Test]
    public async Task A_form_to_log_in_that_was_made_for_somebody_else_is_refused_with_the_same_page()
    {
        using var refused = await _http.PostAsync("/login", new FormUrlEncodedContent(new Dictionary<string, string> { ["_handler"] = "login" }));
        var page = await refused.Content.ReadAsStringAsync();

        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(page, Does.Contain("<h1>That form was too old</h1>"));
    }

    [Test]
    public async Task A_session_that_holds_leads_back_to_the_page()
    {
        using var held = await _http.GetAsync("/expired?return=%2Faccounts%2F1");

        Assert.That((held.StatusCode, held.Headers.Location?.OriginalString), Is.EqualTo((HttpStatusCode.Redirect, "/accounts/1")));
    }

    [TestCase("//evil.example")]
    [TestCase("/\\evil.example")]
    [TestCase("/\t/evil.example")]
    [TestCase("https://evil.example")]
    [TestCase("evil.example")]
    [TestCase("")]
    public async Task A_session_that_is_over_leads_to_no_other_site(string page)
    {
        using var handler = new HttpClientHandler { AllowAutoRedirect = false };
        using var stranger = new HttpClient(handler) { BaseAddress = _site.Address };
        var path = $"/expired?return={Uri.EscapeDataString(page)}";

        using var held = await _http.GetAsync(path);
        using var over = await stranger.GetAsync(path);

        Assert.That((held.StatusCode, held.Headers.Location?.OriginalString), Is.EqualTo((HttpStatusCode.Redirect, "/")));
        Assert.That((over.StatusCode, over.Headers.Location?.OriginalString), Is.EqualTo((HttpStatusCode.Redirect, "/login?note=expired&return=%2F")));
    }

    [Test]
    public async Task Pages_run_no_script_from_elsewhere_and_stand_in_no_frame()
    {
        using var page = await _http.GetAsync("/");
        var policy = page.Headers.GetValues("Content-Security-Policy").Single();

        Assert.That(policy, Does.Contain("default-src 'self'").And.Contain("frame-ancestors 'none'"));
    }

    [Test]
    public async Task It_says_that_it_is_well()
    {
        using var ready = await _http.GetAsync("/health/ready");

        Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    private async Task<HttpResponseMessage> LogInAsync()
    {
        var home = await _http.GetStringAsync("/");
        var name = Regex.Match(home, "<strong>(s[0-9a-f]+)</strong>").Groups[1].Value;
        var token = TokenIn(home);
        using var left = await _http.PostAsync("/logout", new FormUrlEncodedContent(new Dictionary<string, string> { ["__RequestVerificationToken"] = token }));
        return await PostFormAsync("/login", new() { ["_handler"] = "login", ["Form.Username"] = name, ["Form.Password"] = Visitor.Password });
    }

    private async Task<HttpResponseMessage> PostFormAsync(string path, Dictionary<string, string> form)
    {
        form["__RequestVerificationToken"] = TokenIn(await _http.GetStringAsync(path));
        var response = await _http.PostAsync(path, new FormUrlEncodedContent(form));
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.Redirect), await response.Content.ReadAsStringAsync());
        return response;
    }

    private static string TokenIn(string html) => Regex.Match(html, "name=\"__RequestVerificationToken\" value=\"([^\"]+)\"").Groups[1].Value;
}
